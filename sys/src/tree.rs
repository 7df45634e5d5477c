//! What can be told of a tree for overlayfs: how much space it takes, counted with a fixed number of descriptors
//! and little memory, and which of its directories are opaque.
use std::{
    collections::HashSet,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags, RawDir},
    io::Errno as Raw,
};

use crate::{Result, at::At, error::Named};

/// Deeper trees are not counted: one descriptor a level.
const DEPTH_MAX: usize = 128;
/// More files with several names are not told apart.
const LINKED_MAX: usize = 1 << 20;
/// A directory's entries are read in pieces of this size.
const BUFFER: usize = 16 << 10;

/// What a tree takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Allocated bytes: holes count nothing, a file with several names once.
    pub bytes: u64,
    pub inodes: u64,
}

/// Counts `dir` and all below it, without following links. `None` for a tree too odd to be counted (deeper than
/// 128 levels, or more than a million files with several names).
pub fn usage(dir: BorrowedFd<'_>) -> Result<Option<Usage>> {
    let mut count = Count { usage: Usage::default(), linked: HashSet::new(), too_odd: false };
    let stat = fs::fstat(dir).named("fstat", || At(dir, b"."))?;
    count.add(&stat);
    count.below(crate::at::reopen_dir(dir)?, 0)?;
    Ok((!count.too_odd).then_some(count.usage))
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

struct Count {
    usage: Usage,
    linked: HashSet<(u64, u64)>,
    too_odd: bool,
}

impl Count {
    fn below(&mut self, dir: OwnedFd, depth: usize) -> Result<()> {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut entries = RawDir::new(&dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry.named("getdents64", || At(dir.as_fd(), b"."))?;
            let name = entry.file_name().to_bytes();
            if self.too_odd || name == b"." || name == b".." {
                continue;
            }
            let stat = fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)
                .named("fstatat", || At(dir.as_fd(), name))?;
            self.add(&stat);
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                if depth >= DEPTH_MAX {
                    self.too_odd = true;
                    continue;
                }
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let next =
                    fs::openat(&dir, name, flags, Mode::empty()).named("openat", || At(dir.as_fd(), name))?;
                self.below(next, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, stat: &fs::Stat) {
        let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if !is_dir && stat.st_nlink > 1 {
            self.too_odd |= self.linked.len() >= LINKED_MAX;
            if !self.linked.insert((stat.st_dev, stat.st_ino)) {
                return;
            }
        }
        self.usage.inodes += 1;
        self.usage.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    }
}

#[cfg(test)]
mod tests;
