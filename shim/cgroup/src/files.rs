//! Small control files: read whole, written in one call as the kernel wants them.
use std::{
    fs, io,
    io::{Read, Write},
    path::Path,
};

use crate::error::{Error, Result};

/// No control file we read is larger.
const LIMIT: u64 = 1 << 20;
/// Holds any file of statistics, so that one read gives all of it.
const USUAL: usize = 8 << 10;

pub(crate) fn read(path: &Path) -> Result<String> {
    let text = fs::File::open(path).and_then(|file| {
        let mut text = String::with_capacity(USUAL);
        file.take(LIMIT).read_to_string(&mut text)?;
        Ok(text)
    });
    text.map_err(|source| Error::Io { op: "read", path: path.to_owned(), source })
}

/// The file's text; empty if it is not there.
pub(crate) fn read_or_empty(path: &Path) -> String {
    read(path).unwrap_or_default()
}

pub(crate) fn write(path: &Path, value: &str) -> Result<()> {
    open(path, value)?.write(value)
}

/// A control file that takes several lines, each in its own write.
pub(crate) struct Open<'a> {
    path: &'a Path,
    file: fs::File,
}

/// Opens for writing; `value` is only for the error.
pub(crate) fn open<'a>(path: &'a Path, value: &str) -> Result<Open<'a>> {
    match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => Ok(Open { path, file }),
        Err(source) => Err(match source.kind() {
            io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
            _ => Error::Write { path: path.to_owned(), value: value.to_owned(), source },
        }),
    }
}

impl Open<'_> {
    pub(crate) fn write(&mut self, value: &str) -> Result<()> {
        // A write of no bytes never reaches the kernel's handler.
        let bytes = if value.is_empty() { "\n" } else { value };
        self.file.write_all(bytes.as_bytes()).map_err(|source| Error::Write {
            path: self.path.to_owned(),
            value: value.to_owned(),
            source,
        })
    }
}

/// A number, or `None` for "max", an absent file and anything else.
pub(crate) fn number(path: &Path) -> Option<u64> {
    read(path).ok()?.trim().parse().ok()
}

/// The lines `key value` of a file; those whose value is no number are left out.
pub(crate) fn fields(text: &str) -> impl Iterator<Item = (&str, u64)> {
    text.lines().filter_map(|line| {
        let (key, value) = line.split_once(' ')?;
        Some((key, value.trim().parse().ok()?))
    })
}
