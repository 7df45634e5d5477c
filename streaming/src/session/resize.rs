//! The resize stream: JSON sizes in, the newest one out.

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};

use crate::TerminalSize;

/// One size is some thirty bytes; what is longer is not one.
const MAX_PENDING: usize = 1024;

/// Reads sizes until the stream ends or turns to nonsense, and keeps the newest for whoever receives.
///
/// Never waits for the receiver: a stream that is not read would hold up all others of its connection.
pub(crate) async fn relay(mut stream: impl AsyncRead + Unpin, sizes: mpsc::Sender<TerminalSize>) {
    let mut pending = Vec::new();
    let mut newest = None;
    let mut chunk = [0; 256];
    loop {
        tokio::select! {
            permit = sizes.reserve(), if newest.is_some() => match (permit, newest.take()) {
                (Ok(permit), Some(size)) => permit.send(size),
                _ => return,
            },
            read = stream.read(&mut chunk) => {
                let Ok(n @ 1..) = read else { break };
                pending.extend_from_slice(chunk.get(..n).unwrap_or_default());
                match parse(&mut pending) {
                    Ok(size) => newest = size.or(newest),
                    Err(()) => break,
                }
            }
        }
    }
    if let Some(size) = newest {
        // Its receiver may be gone: then nobody cares.
        let _ = sizes.send(size).await;
    }
}

/// Takes all whole sizes off the front of `pending`; gives the last.
fn parse(pending: &mut Vec<u8>) -> Result<Option<TerminalSize>, ()> {
    let mut found = serde_json::Deserializer::from_slice(pending).into_iter::<TerminalSize>();
    let mut newest = None;
    for size in &mut found {
        match size {
            Ok(size) => newest = Some(size),
            Err(error) if error.is_eof() => break,
            Err(_) => return Err(()),
        }
    }
    let end = found.byte_offset();
    pending.drain(..end);
    if pending.len() > MAX_PENDING { Err(()) } else { Ok(newest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u16, height: u16) -> TerminalSize {
        TerminalSize { width, height }
    }

    #[test]
    fn sizes_may_come_in_any_pieces() {
        let mut pending = br#"{"Width":80,"Height":24}
            {"Width":81,"Height":25}{"Wid"#
            .to_vec();
        assert_eq!(parse(&mut pending), Ok(Some(size(81, 25))));
        pending.extend_from_slice(br#"th":1,"Height":2}"#);
        assert_eq!(parse(&mut pending), Ok(Some(size(1, 2))));
        assert_eq!(parse(&mut pending), Ok(None));
    }

    #[test]
    fn nonsense_and_endless_input_are_refused() {
        assert_eq!(parse(&mut b"{\"Width\":-1}".to_vec()), Err(()));
        assert_eq!(parse(&mut b"hello".to_vec()), Err(()));
        let mut endless = br#"{"Width":"#.to_vec();
        endless.extend(std::iter::repeat_n(b' ', MAX_PENDING));
        assert_eq!(parse(&mut endless), Err(()));
    }

    #[tokio::test]
    async fn a_receiver_that_is_late_gets_the_newest() {
        let (sender, mut receiver) = mpsc::channel(1);
        let flood: String = (1..=500).map(|n| format!("{{\"Width\":{n},\"Height\":1}}\n")).collect();
        let relay = tokio::spawn(async move { relay(flood.as_bytes(), sender).await });
        let mut last = None;
        while let Some(size) = receiver.recv().await {
            last = Some(size);
        }
        relay.await.unwrap();
        assert_eq!(last, Some(size(500, 1)));
    }
}
