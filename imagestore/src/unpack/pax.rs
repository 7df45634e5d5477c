//! Pax: the `key=value` records of an extended header (POSIX.1-2017 pax, "pax Header Block").
//!
//! A malformed record refuses the layer: readers that skipped one have disagreed about where files begin
//! (RUSTSEC-2026-0066). The `tar` crate's parser is not used, for it splits at newlines, and a value, such as the
//! bytes of `security.capability`, may hold one.

use super::{
    header::Problem,
    sparse::{self, PaxSparse},
};

/// More than any file has; ext4 gives all names and values of a file 4 KiB unless told otherwise.
const XATTRS_MAX: usize = 128;
/// XATTR_SIZE_MAX of the kernel, here for all values of an entry together.
const XATTR_BYTES_MAX: usize = 64 << 10;

/// What the records say about the next entry. An empty value takes a record back, so it is `None` too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link_path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<i64>,
    pub(super) gid: Option<i64>,
    /// Seconds and nanoseconds since 1970.
    pub(super) mtime: Option<(i64, u32)>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) sparse: Option<PaxSparse>,
}

/// Reads the records of an extended header (type `x`).
pub(super) fn parse(bytes: &[u8]) -> Result<Pax, Problem> {
    let mut pax = Pax::default();
    let mut sparse = sparse::Records::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (key, value);
        (key, value, rest) = record(rest)?;
        match key {
            b"path" => pax.path = text(value)?,
            b"linkpath" => pax.link_path = text(value)?,
            b"size" => pax.size = size(value)?,
            b"uid" => pax.uid = size(value)?.map(|id| id as i64),
            b"gid" => pax.gid = size(value)?.map(|id| id as i64),
            b"mtime" => pax.mtime = time(value)?,
            _ => match (key.strip_prefix(b"SCHILY.xattr."), key.strip_prefix(b"GNU.sparse.")) {
                (Some(name), _) => xattr(&mut pax.xattrs, name, value)?,
                (_, Some(name)) => sparse.take(name, value)?,
                // Owners' names, other times, character sets, other tools' own records.
                _ => {}
            },
        }
    }
    pax.sparse = sparse.finish()?;
    if let Some(name) = pax.sparse.as_ref().and_then(|sparse| sparse.name.clone()) {
        pax.path = Some(name);
    }
    Ok(pax)
}

/// Reads the records of a global header (type `g`), of which `git archive` writes one with a comment.
///
/// Readers disagree whether it changes the entries that follow (Go and containerd: no, POSIX: yes). So one that
/// would change what is unpacked is refused.
pub(super) fn check_global(bytes: &[u8]) -> Result<(), Problem> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (key, value);
        (key, value, rest) = record(rest)?;
        let changes_entries = matches!(key, b"path" | b"linkpath" | b"size" | b"uid" | b"gid")
            || key.starts_with(b"SCHILY.xattr.")
            || key.starts_with(b"GNU.sparse.");
        if changes_entries && !value.is_empty() {
            return Err("a global pax header that would change entries");
        }
    }
    Ok(())
}

/// Key, value, and the bytes after the record.
type Record<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// Splits one record, `"<length> <key>=<value>\n"`, off the front.
fn record(bytes: &[u8]) -> Result<Record<'_>, Problem> {
    const MALFORMED: Problem = "a malformed pax record";
    let space = bytes.iter().take(8).position(|byte| *byte == b' ').ok_or(MALFORMED)?;
    let length = usize::try_from(digits(&bytes[..space])?).map_err(|_| MALFORMED)?;
    let record = bytes.get(space + 1..length).ok_or(MALFORMED)?;
    let record = record.strip_suffix(b"\n").ok_or(MALFORMED)?;
    let equals = record.iter().position(|byte| *byte == b'=').ok_or(MALFORMED)?;
    let (key, value) = (&record[..equals], &record[equals + 1..]);
    if key.is_empty() || key.contains(&0) {
        return Err(MALFORMED);
    }
    Ok((key, value, &bytes[length..]))
}

/// A name: no NUL, for the system calls would cut it there.
pub(super) fn text(value: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
    if value.contains(&0) {
        return Err("a pax name with a NUL byte");
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

pub(super) fn size(value: &[u8]) -> Result<Option<u64>, Problem> {
    if value.is_empty() { Ok(None) } else { digits(value).map(Some) }
}

/// A decimal number up to `i64::MAX`, without sign or space.
pub(super) fn digits(text: &[u8]) -> Result<u64, Problem> {
    let sound = !text.is_empty() && text.len() <= 19 && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| sound).and_then(|text| text.parse::<i64>().ok());
    number.map(|number| number as u64).ok_or("a pax number that is none")
}

/// Decimal seconds with an optional fraction, `-1.5` meaning half a second before -1.
fn time(value: &[u8]) -> Result<Option<(i64, u32)>, Problem> {
    if value.is_empty() {
        return Ok(None);
    }
    let (negative, text) = match value.strip_prefix(b"-") {
        Some(text) => (true, text),
        None => (false, value),
    };
    let dot = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..dot], text.get(dot + 1..).unwrap_or(&[]));
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err("a pax time that is none");
    }
    // What is too long for an i64 lies beyond all time; the caller clamps.
    let seconds = digits(whole).map_or(i64::MAX, |seconds| seconds as i64);
    let nanos =
        (0..9).fold(0u32, |n, at| n * 10 + fraction.get(at).map_or(0, |digit| u32::from(digit - b'0')));
    Ok(Some(match (negative, nanos) {
        (false, _) => (seconds, nanos),
        (true, 0) => (-seconds, 0),
        (true, _) => (-seconds - 1, 1_000_000_000 - nanos),
    }))
}

fn xattr(xattrs: &mut Vec<(Vec<u8>, Vec<u8>)>, name: &[u8], value: &[u8]) -> Result<(), Problem> {
    if name.is_empty() || name.len() > 255 {
        return Err("an xattr name that is none");
    }
    xattrs.retain(|(known, _)| known != name);
    let bytes: usize = xattrs.iter().map(|(_, value)| value.len()).sum();
    if xattrs.len() >= XATTRS_MAX || bytes + value.len() > XATTR_BYTES_MAX {
        return Err("more xattrs than 128 or 64 KiB");
    }
    xattrs.push((name.to_vec(), value.to_vec()));
    Ok(())
}

#[cfg(test)]
mod tests;
