//! A container's log in the CRI format, one record a line:
//!
//! ```text
//!   2026-11-22T10:00:00.123456789Z stdout F text
//!   └ RFC 3339, UTC, nine digits   │      └ F: ends the line; P: the line goes on in the next record
//!                                  └ or stderr
//! ```
//! (kubernetes/kubernetes, "CRI: container stdout/stderr logging"). Bytes are kept as they are. A line longer
//! than 16 KiB becomes several records. A disk that takes nothing never stops the container: what is lost is
//! counted and said in one record when writing works again.
mod record;

use std::os::fd::{AsFd, OwnedFd};

use sys::{
    Errno,
    fd::{self, Kind},
    io::{self, Transfer},
    path::{self, Leaf, Open, Within},
};

pub(crate) use record::{LineBuffer, Records};

use crate::{
    event::Stream,
    failure::{At, Result, failed},
};

const STAGE: &str = "log";

#[derive(Debug)]
pub(crate) struct Log {
    directory: String,
    path: String,
    /// `None`: there is no log; output is read and dropped.
    file: Option<OwnedFd>,
    /// Content bytes lost over the log's whole life.
    dropped_bytes: u64,
    /// Content bytes lost since the last record that was written.
    unreported_bytes: u64,
    last_errno: Errno,
    /// The file ends inside a record that could not be taken back.
    torn: bool,
}

impl Log {
    /// Opens `path` below `directory`, making missing directories. An empty directory means no log.
    pub(crate) fn open(directory: &str, path: &str) -> Result<Self> {
        let file = if directory.is_empty() { None } else { Some(open_file(directory, path)?) };
        Ok(Self {
            directory: directory.to_owned(),
            path: path.to_owned(),
            file,
            dropped_bytes: 0,
            unreported_bytes: 0,
            last_errno: Errno(0),
            torn: false,
        })
    }

    /// Goes on in a new file of the same name; kubelet has renamed the old one. On failure the old one stays
    /// in use: nothing is lost either way.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        if self.file.is_some() {
            self.file = Some(open_file(&self.directory, &self.path)?);
            self.torn = false;
        }
        Ok(())
    }

    /// Nothing more will be written.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }

    pub(crate) fn dropped_bytes(&self) -> u64 {
        self.dropped_bytes
    }

    /// Appends whole records.
    pub(crate) fn append(&mut self, records: &[u8]) {
        let Some(file) = self.file.as_ref().filter(|_| !records.is_empty()) else { return };
        if self.unreported_bytes > 0 {
            let marker = self.marker();
            match write_whole(file, &marker) {
                Ok(()) => (self.unreported_bytes, self.torn) = (0, false),
                Err(stopped) => {
                    self.take_back(&stopped, &marker);
                    return self.drop_records(records, stopped.errno);
                }
            }
        }
        let Some(file) = &self.file else { return };
        if let Err(stopped) = write_whole(file, records) {
            let kept = self.take_back(&stopped, records);
            self.drop_records(records.get(kept..).unwrap_or_default(), stopped.errno);
        }
    }

    fn marker(&self) -> Vec<u8> {
        let mut buffer = vec![0; record::MAX_RECORD];
        let mut records = Records::new(&mut buffer, sys::time::realtime_ns());
        let reason =
            format!("berth: {} bytes of output were not logged: {}", self.unreported_bytes, self.last_errno);
        records.note(Stream::Stderr, &reason);
        let torn: &[u8] = if self.torn { b"\n" } else { b"" };
        [torn, records.bytes()].concat()
    }

    /// After a short write: cuts the file back to its last whole record. Returns how many bytes of `records`
    /// stay.
    fn take_back(&mut self, stopped: &Stopped, records: &[u8]) -> usize {
        let written = records.get(..stopped.written).unwrap_or_default();
        let kept = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let torn_bytes = (written.len() - kept) as u64;
        if torn_bytes > 0
            && let Some(file) = &self.file
        {
            let cut = fd::identity(file)
                .and_then(|found| path::truncate(file, found.size_bytes.saturating_sub(torn_bytes)));
            self.torn = cut.is_err();
        }
        kept
    }

    fn drop_records(&mut self, records: &[u8], errno: Errno) {
        let lost = record::content_bytes(records);
        self.dropped_bytes += lost;
        self.unreported_bytes += lost;
        self.last_errno = errno;
    }
}

/// A write that did not take everything.
struct Stopped {
    written: usize,
    errno: Errno,
}

fn write_whole(file: &OwnedFd, bytes: &[u8]) -> std::result::Result<(), Stopped> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match io::write(file, rest) {
            Ok(Transfer::Bytes(count)) if count > 0 => written += count,
            Ok(Transfer::Bytes(_) | Transfer::WouldBlock) => {
                return Err(Stopped { written, errno: Errno::EAGAIN });
            }
            Ok(Transfer::Closed) => return Err(Stopped { written, errno: Errno::EPIPE }),
            Err(error) => return Err(Stopped { written, errno: error.errno }),
        }
    }
    Ok(())
}

/// Never through a link below `directory`, never a FIFO or device.
fn open_file(directory: &str, path: &str) -> Result<OwnedFd> {
    let what = || format!("log {path:?} in {directory:?}");
    if path.is_empty() || path.starts_with('/') {
        return Err(failed(STAGE, what(), Errno::EINVAL));
    }
    std::fs::create_dir_all(directory).map_err(|error| failed(STAGE, what(), Errno::from_io(&error)))?;
    let root = path::open_dir(directory).at_doing(STAGE, what)?;
    if let Some((parents, _)) = path.rsplit_once('/') {
        path::make_below(root.as_fd(), parents, Leaf::Directory, 0o755, Within::BeneathNoLinks)
            .at_doing(STAGE, what)?;
    }
    let flags = Open::WRONLY | Open::APPEND | Open::CREATE | Open::NONBLOCK | Open::NOCTTY;
    let file = path::create(&root, path, flags, 0o640, Within::BeneathNoLinks).at_doing(STAGE, what)?;
    if fd::identity(&file).at_doing(STAGE, what)?.kind != Kind::File {
        return Err(failed(STAGE, format!("{}: not a regular file", what()), Errno::EINVAL));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
