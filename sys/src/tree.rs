//! What can be told of a tree for overlayfs: how much space it takes, counted with a fixed number of descriptors
//! and little memory, and which of its directories are opaque.
use std::{
    collections::HashSet,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
};

use rustix::{
    fs::{self, AtFlags, FileType, RawDir},
    io::Errno as Raw,
};

use crate::{
    Errno, Result,
    at::{self, At},
    error::Named,
};

/// A directory is opened by its path from a base. Where that path gets longer than this, well below PATH_MAX, the
/// directory becomes a base itself.
const PATH: usize = 1 << 11;
/// Bases above each other, a descriptor each: paths of 128 KiB, which no honest tree has.
const BASES_MAX: usize = 64;
/// Directories seen and not yet entered: only a directory with so many in it has them.
const WAITING_MAX: usize = 1 << 18;
/// More files with several names are not told apart.
const LINKED_MAX: usize = 1 << 20;
/// A directory's entries are read in pieces of this size.
const BUFFER: usize = 16 << 10;

/// What a tree takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Allocated bytes: holes count nothing, a file with several names once.
    pub bytes: u64,
    /// Files of any type, the tree's own directory with them.
    pub inodes: u64,
    /// False for a tree too odd to be counted to its end (paths of 128 KiB, a quarter of a million directories in one,
    /// more than a million files with several names): it takes more than this, or less.
    pub whole: bool,
}

/// Counts `dir` and all below it, without following links or entering mounts. The tree may change meanwhile: what
/// vanishes or moves while it is looked at may count or not.
///
/// # Errors
/// Those of reading a directory: EIO, EMFILE.
pub fn usage(dir: BorrowedFd<'_>) -> Result<Usage> {
    let stat = fs::fstat(dir).named("fstat", || At(dir, b"."))?;
    let mut count = Count::default();
    count.add(&stat);
    count.all_below(dir)?;
    Ok(Usage { bytes: count.bytes, inodes: count.inodes, whole: !count.too_odd })
}

/// Whether overlayfs takes the directory for opaque: `trusted.overlay.opaque` is `y` (fgetxattr(2)). The descriptor
/// must be open for reading, and the caller needs CAP_SYS_ADMIN to see the mark.
pub fn is_opaque(dir: BorrowedFd<'_>) -> Result<bool> {
    let mut value = [0; 1];
    match fs::fgetxattr(dir, "trusted.overlay.opaque", &mut value) {
        Ok(len) => Ok(value[..len] == *b"y"),
        // A longer value is another mark (`x`-marked whiteouts are none of ours).
        Err(Raw::NODATA | Raw::NOTSUP | Raw::RANGE) => Ok(false),
        Err(errno) => Err(errno).named("fgetxattr", || At(dir, b"trusted.overlay.opaque")),
    }
}

/// Where a directory's path begins.
struct Base {
    dir: OwnedFd,
    /// How many are above it.
    level: usize,
}

/// A directory that was seen: its path from a base, empty for the base itself.
type Seen = (Rc<Base>, Vec<u8>);

#[derive(Default)]
struct Count {
    bytes: u64,
    inodes: u64,
    linked: HashSet<(u64, u64)>,
    too_odd: bool,
}

impl Count {
    fn all_below(&mut self, dir: BorrowedFd<'_>) -> Result<()> {
        let base = Rc::new(Base { dir: crate::at::reopen_dir(dir)?, level: 0 });
        // The last seen is entered first, so that only bases above each other are open at once.
        let mut waiting: Vec<Seen> = vec![(base, Vec::new())];
        let mut buffer = Vec::with_capacity(BUFFER);
        while let Some(seen) = waiting.pop() {
            self.entries(seen, &mut waiting, &mut buffer)?;
        }
        Ok(())
    }

    fn entries(&mut self, (base, path): Seen, waiting: &mut Vec<Seen>, buffer: &mut Vec<u8>) -> Result<()> {
        let Some(dir) = open(&base, &path)? else { return Ok(()) };
        let mut found = Vec::new();
        let mut entries = RawDir::new(&dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // A directory that was removed under us has no entries any more.
                Err(Raw::NOENT) => break,
                Err(errno) => return Err(errno).named("getdents64", || At(dir.as_fd(), b".")),
            };
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let stat = match fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Raw::NOENT) => continue,
                Err(errno) => return Err(errno).named("fstatat", || At(dir.as_fd(), name)),
            };
            self.add(&stat);
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                if waiting.len() + found.len() >= WAITING_MAX {
                    self.too_odd = true;
                    continue;
                }
                found.push(name.to_vec());
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let (base, path) = if path.len() > PATH {
            if base.level >= BASES_MAX {
                self.too_odd = true;
                return Ok(());
            }
            (Rc::new(Base { dir, level: base.level + 1 }), Vec::new())
        } else {
            (base, path)
        };
        waiting.extend(found.into_iter().map(|name| {
            let below = if path.is_empty() { name } else { [&path[..], b"/", &name].concat() };
            (base.clone(), below)
        }));
        Ok(())
    }

    fn add(&mut self, stat: &fs::Stat) {
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_dir && stat.st_nlink > 1 {
            if self.linked.len() >= LINKED_MAX {
                self.too_odd = true;
            } else if !self.linked.insert((stat.st_dev, stat.st_ino)) {
                return;
            }
        }
        self.inodes += 1;
        self.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    }
}

/// `None` for a directory that is no longer there, or is something else by now.
fn open(base: &Base, path: &[u8]) -> Result<Option<OwnedFd>> {
    let path = if path.is_empty() { b"." } else { path };
    match at::open_dir_beneath(base.dir.as_fd(), path) {
        Ok(dir) => Ok(Some(dir)),
        Err(error) => match error.errno {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EXDEV | Errno::EAGAIN => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests;
