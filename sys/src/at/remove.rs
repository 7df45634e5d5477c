//! Takes a tree away, of any depth and width, with a fixed number of descriptors and little memory.
//!
//! A path cannot name what lies deeper than PATH_MAX, and one descriptor a level runs out of them (kubernetes
//! issue 106083). So the walk keeps descriptors for [`DEPTH`] levels; a directory below that is renamed to the top
//! of the tree and taken from there. Every directory moves once at most.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags},
    io::Errno as Raw,
};

use super::{At, reopen_dir};
use crate::{Errno, Error, Result, error::Named};

/// More than trees of images have, and far fewer than the descriptors of a process.
const DEPTH: usize = 48;
/// A directory's entries are read in pieces of this size.
const BUFFER: usize = 16 << 10;
/// Somebody may add files while we remove them, but not for ever.
const ATTEMPTS: usize = 100;

/// Removes `name` with everything below it; one that is not there is success. Links are not followed.
///
/// # Errors
/// EBUSY for a mount point, which is never entered. What was removed before an error stays removed.
pub fn remove_all(dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    match fs::unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Raw::NOENT) => return Ok(()),
        Err(Raw::ISDIR | Raw::PERM) => {}
        Err(errno) => return Err(failed("unlinkat", dir, name, errno)),
    }
    for _ in 0..ATTEMPTS {
        match remove_empty(dir, name) {
            Ok(()) => return Ok(()),
            Err(Raw::NOTEMPTY | Raw::EXIST) => {}
            Err(errno) => return Err(failed("unlinkat", dir, name, errno)),
        }
        if let Some(tree) = enter(dir, name)? {
            remove_children(tree.as_fd())?;
        }
    }
    Err(failed("unlinkat", dir, name, Raw::NOTEMPTY))
}

/// Removes everything in `dir`, not `dir` itself.
pub fn remove_children(dir: BorrowedFd<'_>) -> Result<()> {
    let mut walk = Walk { top: dir, moved: 0, buffers: Vec::new() };
    // What lay too deep has moved up here meanwhile: again, until nothing moves.
    loop {
        let before = walk.moved;
        walk.empty(&reopen_dir(dir)?, 0)?;
        if walk.moved == before {
            return Ok(());
        }
    }
}

struct Walk<'a> {
    top: BorrowedFd<'a>,
    moved: u64,
    /// Of levels that are done, for the next to come.
    buffers: Vec<Vec<u8>>,
}

impl Walk<'_> {
    /// Removes what is in `dir`, which lies `depth` levels below the top.
    fn empty(&mut self, dir: &OwnedFd, depth: usize) -> Result<()> {
        let mut buffer = self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER));
        self.empty_with(dir, depth, &mut buffer)?;
        self.buffers.push(buffer);
        Ok(())
    }

    fn empty_with(&mut self, dir: &OwnedFd, depth: usize, buffer: &mut Vec<u8>) -> Result<()> {
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.named("getdents64", || At(dir.as_fd(), b"."))?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entry.file_type() != FileType::Directory {
                match fs::unlinkat(dir, name, AtFlags::empty()) {
                    Ok(()) | Err(Raw::NOENT) => continue,
                    // A file system that does not tell types.
                    Err(Raw::ISDIR) => {}
                    Err(errno) => return Err(failed("unlinkat", dir.as_fd(), name, errno)),
                }
            }
            self.remove_dir(dir.as_fd(), name, depth)?;
        }
        Ok(())
    }

    fn remove_dir(&mut self, dir: BorrowedFd<'_>, name: &[u8], depth: usize) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match remove_empty(dir, name) {
                Ok(()) => return Ok(()),
                Err(Raw::NOTEMPTY | Raw::EXIST) => {}
                Err(errno) => return Err(failed("unlinkat", dir, name, errno)),
            }
            if depth >= DEPTH {
                return self.move_up(dir, name);
            }
            match enter(dir, name)? {
                Some(below) => self.empty(&below, depth + 1)?,
                None => return Ok(()),
            }
        }
        Err(failed("unlinkat", dir, name, Raw::NOTEMPTY))
    }

    fn move_up(&mut self, dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
        loop {
            let new = format!(".removed-{}", self.moved);
            self.moved += 1;
            match fs::renameat_with(dir, name, self.top, &*new, fs::RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Raw::EXIST) => {}
                Err(errno) => return Err(failed("renameat2", dir, name, errno)),
            }
        }
    }
}

/// Opens a directory unless another file system, or the same once more, is mounted there: what lies behind a
/// mount that somebody forgot is not ours.
fn enter(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::openat2(dir, name, flags, Mode::empty(), ResolveFlags::NO_XDEV | ResolveFlags::BENEATH) {
        Ok(below) => Ok(Some(below)),
        Err(Raw::NOENT) => Ok(None),
        Err(Raw::XDEV) => Err(Error::new("openat2", At(dir, name), Errno::EBUSY)),
        Err(errno) => Err(failed("openat2", dir, name, errno)),
    }
}

fn remove_empty(dir: BorrowedFd<'_>, name: &[u8]) -> std::result::Result<(), Raw> {
    match fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
        Err(Raw::NOENT) => Ok(()),
        other => other,
    }
}

fn failed(op: &'static str, dir: BorrowedFd<'_>, name: &[u8], errno: Raw) -> Error {
    Error::new(op, At(dir, name), errno.into())
}
