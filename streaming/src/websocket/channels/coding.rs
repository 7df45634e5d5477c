//! A channel's number and bytes as a message, and back.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{BufMut, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::Message;

use super::super::{Coding, Error};

impl Coding {
    pub(super) fn message(self, number: u8, bytes: &[u8]) -> Message {
        match self {
            Self::Binary => {
                let mut message = BytesMut::with_capacity(1 + bytes.len());
                message.put_u8(number);
                message.put_slice(bytes);
                Message::Binary(message.freeze())
            }
            Self::Base64 => {
                let mut text = String::from(char::from(b'0'.wrapping_add(number)));
                STANDARD.encode_string(bytes, &mut text);
                Message::Text(text.into())
            }
        }
    }

    /// `None` for a message without even a number. Some clients send binary channels as text, which is the same.
    pub(super) fn parse(self, mut payload: Bytes) -> Result<Option<(u8, Bytes)>, Error> {
        if payload.is_empty() {
            return Ok(None);
        }
        let first = payload.split_to(1).first().copied().unwrap_or_default();
        match self {
            Self::Binary => Ok(Some((first, payload))),
            Self::Base64 => {
                let bytes = STANDARD.decode(&payload).map_err(|_| Error::Protocol("not base64"))?;
                Ok(Some((first.wrapping_sub(b'0'), bytes.into())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codings_give_back_what_they_took() {
        for coding in [Coding::Binary, Coding::Base64] {
            for bytes in [&b""[..], b"x", &[0, 255, 10], &[7; 20_000]] {
                let payload = coding.message(4, bytes).into_data();
                let (number, back) = coding.parse(payload).unwrap().unwrap();
                assert_eq!((number, back.as_ref()), (4, bytes), "{coding:?}");
            }
            assert!(coding.parse(Bytes::new()).unwrap().is_none());
        }
    }

    #[test]
    fn the_codings_are_those_of_kubernetes() {
        assert_eq!(Coding::Binary.message(1, b"hi").into_data().as_ref(), b"\x01hi");
        assert_eq!(Coding::Base64.message(1, b"hi").into_text().unwrap().as_str(), "1aGk=");
        assert!(Coding::Base64.parse(Bytes::from_static(b"0?")).is_err());
    }
}
