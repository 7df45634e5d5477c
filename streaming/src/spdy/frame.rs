//! SPDY/3.1 frames: bytes to values and back, with no state (SPDY/3.1 specification, section 2.2 and 2.6).
//!
//! ```text
//! control: |1| version 15 | type 16 | flags 8 | length 24 | payload …      data: |0| stream 31 | flags 8 | length 24 | …
//! ```

use super::Error;

/// Bytes before every payload.
pub(crate) const HEAD: usize = 8;
/// A control frame is a handful of short headers; peers that send more are not talking about containers.
pub(crate) const MAX_CONTROL: usize = 16 * 1024;
/// Ids and window sizes have 31 bits.
pub(crate) const MAX_31: u32 = 0x7fff_ffff;

const FLAG_FIN: u8 = 1;
const FLAG_UNIDIRECTIONAL: u8 = 2;
const VERSION: u16 = 3;
const SETTING_INITIAL_WINDOW: u32 = 7;

/// Why a stream was reset, as RST_STREAM says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reset {
    Protocol = 1,
    Refused = 3,
    Cancel = 5,
    FlowControl = 7,
}

/// The first eight bytes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    Data { id: u32, fin: bool, length: usize },
    Control { kind: u16, flags: u8, length: usize },
}

impl Head {
    /// Fails for another version of the protocol and for a control frame beyond `MAX_CONTROL`.
    pub(crate) fn parse(bytes: [u8; HEAD]) -> Result<Self, Error> {
        let [a, b, c, d, flags, x, y, z] = bytes;
        let first = u32::from_be_bytes([a, b, c, d]);
        let length = u32::from_be_bytes([0, x, y, z]) as usize;
        if first & !MAX_31 == 0 {
            let fin = flags & FLAG_FIN != 0;
            return if first == 0 {
                Err(Error::Protocol("data on stream 0"))
            } else {
                Ok(Self::Data { id: first, fin, length })
            };
        }
        if u16::from_be_bytes([a & 0x7f, b]) != VERSION {
            return Err(Error::Protocol("not SPDY version 3"));
        }
        if length > MAX_CONTROL {
            return Err(Error::Protocol("control frame too long"));
        }
        Ok(Self::Control { kind: u16::from_be_bytes([c, d]), flags, length })
    }
}

/// A control frame; header blocks are still compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control<'a> {
    SynStream {
        id: u32,
        fin: bool,
        unidirectional: bool,
        block: &'a [u8],
    },
    SynReply {
        id: u32,
        fin: bool,
        block: &'a [u8],
    },
    Headers {
        id: u32,
        fin: bool,
        block: &'a [u8],
    },
    RstStream {
        id: u32,
    },
    /// The window new and present streams start with, if the frame says so.
    Settings {
        initial_window: Option<u32>,
    },
    Ping {
        id: u32,
    },
    GoAway,
    WindowUpdate {
        id: u32,
        delta: u32,
    },
    /// A type the specification tells us to skip.
    Unknown,
}

impl<'a> Control<'a> {
    /// `payload` is all of what follows the head.
    pub(crate) fn parse(kind: u16, flags: u8, payload: &'a [u8]) -> Result<Self, Error> {
        let fin = flags & FLAG_FIN != 0;
        let (id, rest) = if matches!(kind, 1..=3 | 6..=9) { word(payload)? } else { (0, payload) };
        let id = id & MAX_31;
        Ok(match kind {
            1 => {
                // The stream it is associated with, then priority and slot: of no use to us.
                let block = rest.get(6..).ok_or(Error::Protocol("SYN_STREAM too short"))?;
                Self::SynStream {
                    id: stream(id)?,
                    fin,
                    unidirectional: flags & FLAG_UNIDIRECTIONAL != 0,
                    block,
                }
            }
            2 => Self::SynReply { id: stream(id)?, fin, block: rest },
            3 => Self::RstStream { id: stream(id)? },
            4 => Self::Settings { initial_window: settings(payload)? },
            6 => Self::Ping { id: word(payload)?.0 },
            7 => Self::GoAway,
            8 => Self::Headers { id: stream(id)?, fin, block: rest },
            9 => match word(rest)?.0 & MAX_31 {
                0 => return Err(Error::Protocol("WINDOW_UPDATE by nothing")),
                delta => Self::WindowUpdate { id, delta },
            },
            _ => Self::Unknown,
        })
    }
}

fn word(bytes: &[u8]) -> Result<(u32, &[u8]), Error> {
    let (first, rest) = bytes.split_first_chunk::<4>().ok_or(Error::Protocol("control frame too short"))?;
    Ok((u32::from_be_bytes(*first), rest))
}

fn stream(id: u32) -> Result<u32, Error> {
    if id == 0 { Err(Error::Protocol("stream 0")) } else { Ok(id) }
}

/// Finds the initial window among (flags 8, id 24, value 32) entries.
fn settings(payload: &[u8]) -> Result<Option<u32>, Error> {
    let (count, entries) = word(payload)?;
    if entries.len() != (count as usize).saturating_mul(8) {
        return Err(Error::Protocol("SETTINGS of another length than it says"));
    }
    let mut window = None;
    for entry in entries.chunks_exact(8) {
        let (id, value) = word(entry)?;
        if id & 0x00ff_ffff == SETTING_INITIAL_WINDOW {
            window = Some(word(value)?.0);
        }
    }
    if window.is_some_and(|size| size > MAX_31) {
        return Err(Error::Protocol("initial window too large"));
    }
    Ok(window)
}

// === writing: every function appends one whole frame ===

fn control(out: &mut Vec<u8>, kind: u16, flags: u8, words: &[u32], block: &[u8]) {
    let length = (words.len() * 4 + block.len()) as u32;
    out.extend_from_slice(&(0x8000 | VERSION).to_be_bytes());
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(u32::from(flags) << 24 | length).to_be_bytes());
    for word in words {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out.extend_from_slice(block);
}

/// `data` must be shorter than 2^24 bytes.
pub(crate) fn data(out: &mut Vec<u8>, id: u32, fin: bool, data: &[u8]) {
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&(u32::from(fin) << 24 | data.len() as u32).to_be_bytes());
    out.extend_from_slice(data);
}

/// `block` as `headers::Encoder` makes it.
pub(crate) fn syn_stream(out: &mut Vec<u8>, id: u32, block: &[u8]) {
    // Not associated with a stream; priority and slot 0.
    let payload = [&[0; 6], block].concat();
    control(out, 1, 0, &[id], &payload);
}

/// As `syn_stream`.
pub(crate) fn syn_reply(out: &mut Vec<u8>, id: u32, block: &[u8]) {
    control(out, 2, 0, &[id], block);
}

pub(crate) fn rst_stream(out: &mut Vec<u8>, id: u32, why: Reset) {
    control(out, 3, 0, &[id, why as u32], &[]);
}

pub(crate) fn initial_window(out: &mut Vec<u8>, bytes: u32) {
    control(out, 4, 0, &[1, SETTING_INITIAL_WINDOW, bytes], &[]);
}

pub(crate) fn ping(out: &mut Vec<u8>, id: u32) {
    control(out, 6, 0, &[id], &[]);
}

/// Status 0: an orderly end.
pub(crate) fn go_away(out: &mut Vec<u8>, last_good: u32) {
    control(out, 7, 0, &[last_good, 0], &[]);
}

/// Stream 0 is the whole session.
pub(crate) fn window_update(out: &mut Vec<u8>, id: u32, delta: u32) {
    control(out, 9, 0, &[id, delta], &[]);
}

#[cfg(test)]
mod tests;
