//! Reading a file that grows, shrinks, or is replaced by another of the same name.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
};

use super::record::Record;

const BLOCK: usize = 64 * 1024;
/// Records have some 16 KiB; a longer line without an end is shown in pieces.
const MAX_LINE: usize = 1024 * 1024;

/// Lines of a file, from some line on.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    position: u64,
    /// The beginning of a line whose end is not written yet.
    pending: Vec<u8>,
}

impl Tail {
    /// Begins `lines` lines before the end, or at the beginning.
    pub(super) fn open(path: &Path, lines: Option<usize>) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let position = match lines {
            Some(lines) => last_lines(&file, lines)?,
            None => 0,
        };
        file.seek(SeekFrom::Start(position))?;
        Ok(Self { path: path.to_owned(), file, position, pending: Vec::new() })
    }

    /// Passes on the lines that are there, without their newlines; false when there is nothing more for now.
    pub(super) fn read(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        let mut block = [0; BLOCK];
        let n = self.file.read(&mut block)?;
        if n == 0 {
            return self.next_file();
        }
        self.position += n as u64;
        self.pending.extend_from_slice(block.get(..n).unwrap_or_default());
        let mut done = 0;
        while let Some(end) = self.pending.get(done..).and_then(newline) {
            each(self.pending.get(done..done + end).unwrap_or_default())?;
            done += end + 1;
        }
        self.pending.drain(..done);
        if self.pending.len() > MAX_LINE {
            each(&std::mem::take(&mut self.pending))?;
        }
        Ok(true)
    }

    /// At the end of a file: goes to the one that took its place, or back to its beginning if it was emptied.
    fn next_file(&mut self) -> io::Result<bool> {
        let here = self.file.metadata()?;
        if here.len() < self.position {
            self.position = self.file.seek(SeekFrom::Start(0))?;
            self.pending.clear();
            return Ok(true);
        }
        // Between a rename and the new file's creation there is none.
        let Ok(there) = fs::metadata(&self.path) else { return Ok(false) };
        if (there.dev(), there.ino()) == (here.dev(), here.ino()) {
            return Ok(false);
        }
        // The writer closes the old file last: what came between our read and now must not be lost.
        if here.len() > self.position {
            return Ok(true);
        }
        *self =
            Self { path: self.path.clone(), file: File::open(&self.path)?, position: 0, pending: Vec::new() };
        Ok(true)
    }
}

fn newline(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|&byte| byte == b'\n')
}

/// Where the last `lines` lines begin. Looks at twice as much of the file's end until it has seen them all.
fn last_lines(file: &File, lines: usize) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut window = BLOCK as u64;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; usize::try_from(length - start).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, start)?;
        // What comes before the first newline of a window may be half a record.
        let first = if start == 0 { 0 } else { newline(&bytes).map_or(bytes.len(), |end| end + 1) };
        if let Some(offset) = nth_from_end(bytes.get(first..).unwrap_or_default(), lines) {
            return Ok(start + (first + offset) as u64);
        }
        if start == 0 {
            return Ok(0);
        }
        window *= 2;
    }
}

/// The offset of the last `lines` lines of `bytes`; `None` if there may be more before it.
fn nth_from_end(bytes: &[u8], lines: usize) -> Option<usize> {
    let mut ends = Vec::new();
    let mut start = 0;
    while let Some(length) = bytes.get(start..).and_then(newline) {
        let line = bytes.get(start..start + length).unwrap_or_default();
        start += length + 1;
        if Record::ends_line(line) {
            ends.push(start);
        }
    }
    // Begin where the line before the first wanted one ends.
    let before = ends.len().checked_sub(lines + 1)?;
    ends.get(before).copied()
}

#[cfg(test)]
mod tests;
