//! Header blocks: name-value pairs in a zlib stream that lasts as long as the connection, one each way.

use flate2::{Decompress, FlushDecompress, Status};

use super::{
    Error,
    dictionary::{DICTIONARY, ID},
};

/// Kubernetes sends three; a proxy may add some.
const MAX_PAIRS: usize = 64;
/// Of a block when inflated: bounds what a few compressed bytes can turn into.
const MAX_BLOCK: usize = 16 * 1024;

/// The headers of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds a header; names are sent in lower case, as the protocol demands.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The first value of `name`, whatever its case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(have, _)| have.eq_ignore_ascii_case(name))?;
        // Several values of one name are one value with NUL between them.
        value.split('\0').next()
    }

    fn parse(block: &[u8]) -> Result<Self, Error> {
        let (count, mut rest) = take_length(block)?;
        if count > MAX_PAIRS {
            return Err(Error::Protocol("too many headers"));
        }
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            let (name, after) = take_text(rest)?;
            let (value, after) = take_text(after)?;
            pairs.push((name, value));
            rest = after;
        }
        if rest.is_empty() { Ok(Self(pairs)) } else { Err(Error::Protocol("bytes after the last header")) }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut block = (self.0.len() as u32).to_be_bytes().to_vec();
        for text in self.0.iter().flat_map(|(name, value)| [name, value]) {
            block.extend_from_slice(&(text.len() as u32).to_be_bytes());
            block.extend_from_slice(text.as_bytes());
        }
        block
    }
}

fn take_length(bytes: &[u8]) -> Result<(usize, &[u8]), Error> {
    let (first, rest) = bytes.split_first_chunk::<4>().ok_or(Error::Protocol("header block cut short"))?;
    Ok((u32::from_be_bytes(*first) as usize, rest))
}

fn take_text(bytes: &[u8]) -> Result<(String, &[u8]), Error> {
    let (length, rest) = take_length(bytes)?;
    let (text, rest) = rest.split_at_checked(length).ok_or(Error::Protocol("header block cut short"))?;
    let text = str::from_utf8(text).map_err(|_| Error::Protocol("header is not UTF-8"))?;
    Ok((text.to_owned(), rest))
}

/// Our half of the connection's header compression.
///
/// What we send is a valid zlib stream of *stored* blocks: it names the dictionary and never refers to it. A real
/// deflate state costs a quarter of a megabyte per connection, to save a hundred bytes on the loopback device.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    started: bool,
}

impl Encoder {
    /// The block as it goes into a frame; blocks must be sent in the order they are made.
    pub(crate) fn encode(&mut self, headers: &Headers) -> Vec<u8> {
        let block = headers.to_bytes();
        let mut out = Vec::with_capacity(block.len() + 16);
        if !self.started {
            self.started = true;
            // RFC 1950: deflate with a 32 KiB window, preset dictionary (0x7820 is a multiple of 31); then which.
            out.extend_from_slice(&[0x78, 0x20]);
            out.extend_from_slice(&ID.to_be_bytes());
        }
        for part in block.chunks(usize::from(u16::MAX)) {
            stored(&mut out, part);
        }
        // RFC 1951 3.2.4: an empty stored block is what a reader takes as "hand on all you have".
        stored(&mut out, &[]);
        out
    }
}

fn stored(out: &mut Vec<u8>, part: &[u8]) {
    let length = part.len() as u16;
    out.push(0);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    out.extend_from_slice(part);
}

/// The peer's half of the connection's header compression. Empty until the first block arrives.
#[derive(Default)]
pub(crate) struct Decoder {
    inflate: Option<Decompress>,
}

impl Decoder {
    /// Every block must be decoded, in order, even one whose stream is refused: they share one state.
    pub(crate) fn decode(&mut self, compressed: &[u8]) -> Result<Headers, Error> {
        Headers::parse(&self.inflate(compressed)?)
    }

    fn inflate(&mut self, mut input: &[u8]) -> Result<Vec<u8>, Error> {
        let inflate = self.inflate.get_or_insert_with(|| Decompress::new(true));
        let mut out = Vec::with_capacity(512);
        loop {
            let before = (inflate.total_in(), out.len());
            match inflate.decompress_vec(input, &mut out, FlushDecompress::Sync) {
                Ok(Status::StreamEnd) => return Err(Error::Protocol("header compression ended")),
                Ok(Status::Ok | Status::BufError) => {}
                Err(error) if error.needs_dictionary() == Some(ID) => {
                    inflate.set_dictionary(&DICTIONARY).map_err(|_| Error::Protocol("dictionary refused"))?;
                }
                Err(_) => return Err(Error::Protocol("header block is not deflate")),
            }
            let consumed = (inflate.total_in() - before.0) as usize;
            input = input.get(consumed..).unwrap_or_default();
            if out.len() > MAX_BLOCK {
                return Err(Error::Protocol("header block too long"));
            }
            if out.len() == out.capacity() {
                out.reserve(out.len());
            } else if input.is_empty() {
                return Ok(out);
            } else if consumed == 0 && out.len() == before.1 {
                return Err(Error::Protocol("header block makes no progress"));
            }
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("started", &self.inflate.is_some()).finish()
    }
}

#[cfg(test)]
mod tests;
