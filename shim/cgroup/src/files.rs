//! Small control files: read whole, written in one call as the kernel wants them.
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use crate::error::{Error, Result};

/// No control file we read is larger.
const LIMIT: u64 = 1 << 20;

pub(crate) fn read(path: &Path) -> Result<String> {
    let text = fs::File::open(path).and_then(|file| {
        let mut text = String::new();
        file.take(LIMIT).read_to_string(&mut text)?;
        Ok(text)
    });
    text.map_err(|source| Error::Io { op: "read", path: path.to_owned(), source })
}

pub(crate) fn write(path: &Path, value: &str) -> Result<()> {
    let written =
        fs::OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(value.as_bytes()));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
        _ => Error::Write { path: path.to_owned(), value: value.to_owned(), source },
    })
}

/// A number, or `None` for "max", an absent file and anything else.
pub(crate) fn number(path: &Path) -> Option<u64> {
    read(path).ok()?.trim().parse().ok()
}

/// The value behind a key in a file of "key value" lines.
pub(crate) fn field(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}
