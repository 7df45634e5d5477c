//! Records on disk: framed, summed, replaced atomically. `proto/record/record.proto` is the format's specification.
//!
//! No fsync: a record only has to outlive the daemon, and the page cache does that. After a power cut no kernel object
//! a record names can exist, so a torn one (its sum does not match) loses nothing but a name.
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use prost::Message;

use crate::error::{Error, IoContext, Kind, Result};

pub(crate) mod recover;

const MAGIC: &[u8; 8] = b"BERTHREC";
const HEADER: usize = 16;
/// No record comes near this; a longer file is damage, not data.
const LIMIT: u64 = 64 << 20;
/// Raised when an older daemon could misread a newer record.
pub(crate) const VERSION: u32 = 1;

/// Replaces the record at `path`: temporary file beside it, then rename.
pub(crate) fn write(path: &Path, message: &impl Message) -> Result<()> {
    let payload = message.encode_to_vec();
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&crc32(&payload).to_le_bytes());
    bytes.extend_from_slice(&payload);
    write_atomic(path, &bytes, 0o600)
}

/// Writes a whole file so that a reader sees the old bytes or the new ones, never a mixture.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let written = (|| {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
        file.write_all(bytes)?;
        fs::rename(&temporary, path)
    })();
    written.doing(|| format!("write {}", path.display())).inspect_err(|_| {
        // The disk may be full; a half-written temporary file must not keep what little is left.
        let _ = fs::remove_file(&temporary);
    })
}

/// Reads a record back. `None` when there is no file; `Corrupt` when it is torn or foreign.
pub(crate) fn read<M: Message + Default>(path: &Path) -> Result<Option<M>> {
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => {
            file.take(LIMIT).read_to_end(&mut bytes).doing(|| format!("read {}", path.display()))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing(|| format!("open {}", path.display())),
    }
    let payload = unframe(&bytes)
        .ok_or_else(|| Error::new(Kind::Corrupt, format!("record {}: torn or damaged", path.display())))?;
    M::decode(payload)
        .map(Some)
        .map_err(|error| Error::caused(Kind::Corrupt, format!("record {}", path.display()), error))
}

fn unframe(bytes: &[u8]) -> Option<&[u8]> {
    let (header, payload) = bytes.split_at_checked(HEADER)?;
    let number = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let whole = header.starts_with(MAGIC)
        && usize::try_from(number(8)?).ok()? == payload.len()
        && number(12)? == crc32(payload);
    whole.then_some(payload)
}

/// CRC-32 (IEEE 802.3). Records are a few kilobytes: eight shifts a byte are not worth a table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests;
