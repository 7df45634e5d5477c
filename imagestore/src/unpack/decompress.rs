//! Decompress: tells a blob's compression by its first bytes and gives the tar stream inside.
//!
//! The media type is not asked: registries hold layers labelled wrongly, and the diff id decides in the end.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
};

use flate2::bufread::MultiGzDecoder;

use super::{Limits, UnpackError};

/// What a layer blob turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Input is taken from the reader in pieces of this size: few calls, and it stays in the second-level cache.
const CHUNK: usize = 128 << 10;

/// The largest zstd window we allocate: 2^27 bytes. zstd's own default refusal starts there too.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Looks at the first bytes of `raw` and returns the decompressed stream, which fails past `limits.stream_bytes`.
///
/// The stream's end is the end of `raw`: concatenated gzip members and zstd frames are one stream, and anything
/// else after the last one is an error. So a hash over `raw` has seen every byte once the stream has ended.
pub fn reader<'a>(
    raw: impl Read + Send + 'a,
    limits: &Limits,
) -> Result<(Compression, Box<dyn Read + Send + 'a>), UnpackError> {
    let mut raw = BufReader::with_capacity(CHUNK, raw);
    let (head, len) = peek(&mut raw).map_err(|source| UnpackError::Read { source })?;
    let compression = sniff(&head[..len])?;
    // `peek` consumed what it saw, for one read may give a single byte.
    let raw = io::Cursor::new(head).take(len as u64).chain(raw);
    let stream: Box<dyn Read + Send + 'a> = match compression {
        Compression::None => Box::new(raw),
        Compression::Gzip => Box::new(MultiGzDecoder::new(raw)),
        Compression::Zstd => Box::new(zstd_reader(raw).map_err(|source| UnpackError::Read { source })?),
    };
    Ok((compression, Box::new(Budget { stream, left: limits.stream_bytes, limit: limits.stream_bytes })))
}

fn zstd_reader<R: BufRead>(raw: R) -> io::Result<impl Read + use<R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// The longest magic number below.
const HEAD: usize = 6;

fn peek(raw: &mut impl Read) -> io::Result<([u8; HEAD], usize)> {
    let mut head = [0; HEAD];
    let mut len = 0;
    while len < HEAD {
        match raw.read(&mut head[len..]) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((head, len))
}

fn sniff(head: &[u8]) -> Result<Compression, UnpackError> {
    match head {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        // A frame, or a skippable frame before it (RFC 8878, 3.1).
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => Err(UnpackError::Unsupported { what: "xz compression" }),
        [b'B', b'Z', b'h', b'1'..=b'9', b'1' | 0x17, _] => {
            Err(UnpackError::Unsupported { what: "bzip2 compression" })
        }
        _ => Ok(Compression::None),
    }
}

/// Ends a stream with an error when it is longer than allowed.
struct Budget<R> {
    stream: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Budget<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(buf)?;
        self.left =
            self.left.checked_sub(n as u64).ok_or_else(|| io::Error::other(OverBudget(self.limit)))?;
        Ok(n)
    }
}

/// The text inside the error of a stream that is too long.
#[derive(Debug, thiserror::Error)]
#[error("the stream is longer than {0} bytes")]
pub(super) struct OverBudget(pub(super) u64);

#[cfg(test)]
mod tests;
