//! Looking around in a tree that somebody else wrote, one name at a time below a descriptor; and syncfs(2).
use std::{ffi::OsStr, os::fd::AsFd, os::unix::ffi::OsStringExt as _, time::Duration};

use rustix::fs::{self, AtFlags};

use crate::{Result, error::Named, fd::Kind};

/// What a name stands for, from fstatat(2) without following a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    /// Permission bits with set-id and sticky.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub inode: u64,
    /// (major, minor) of a device node.
    pub rdev: (u32, u32),
    pub size_bytes: u64,
    /// Time of the last change of the content, since 1970; earlier ones are 1970.
    pub mtime: Duration,
}

/// fstatat(2) with AT_SYMLINK_NOFOLLOW; `None` if there is no such name.
pub fn entry(dir: impl AsFd, name: &OsStr) -> Result<Option<Entry>> {
    let dir = dir.as_fd();
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(rustix::io::Errno::NOENT) => Ok(None),
        other => other.map(|stat| Some(Entry::from(stat))).named("fstatat", || format!("{dir:?}, {name:?}")),
    }
}

/// fstat(2) with owner and mode.
pub fn entry_of(fd: impl AsFd) -> Result<Entry> {
    let fd = fd.as_fd();
    fs::fstat(fd).map(Entry::from).named("fstat", || format!("{fd:?}"))
}

impl From<fs::Stat> for Entry {
    fn from(stat: fs::Stat) -> Self {
        let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
        let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
        Self {
            kind: Kind::from(fs::FileType::from_raw_mode(stat.st_mode)),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            inode: stat.st_ino,
            rdev: (fs::major(stat.st_rdev), fs::minor(stat.st_rdev)),
            size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: Duration::new(seconds, nanoseconds.min(999_999_999)),
        }
    }
}

/// readlinkat(2): the link's target as bytes.
pub fn link_target(dir: impl AsFd, name: &OsStr) -> Result<Vec<u8>> {
    let dir = dir.as_fd();
    let target =
        fs::readlinkat(dir, name, Vec::new()).named("readlinkat", || format!("{dir:?}, {name:?}"))?;
    Ok(std::ffi::OsString::from_vec(target.into_bytes()).into_vec())
}

/// fgetxattr(2) of a short value (at most 256 bytes); `None` if there is none. Does not work on O_PATH descriptors.
pub fn xattr(fd: impl AsFd, name: &str) -> Result<Option<Vec<u8>>> {
    let fd = fd.as_fd();
    let mut value = [0; 256];
    match fs::fgetxattr(fd, name, &mut value) {
        Ok(len) => Ok(Some(value[..len].to_vec())),
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => Ok(None),
        Err(errno) => Err(errno).named("fgetxattr", || format!("{fd:?}, {name:?}")),
    }
}

/// syncfs(2): all that was written so far to the file system of `fd` is on the disk.
///
/// # Errors
/// Since Linux 5.8 also EIO, ENOSPC or EDQUOT for writeback that failed since `fd` was opened.
pub fn sync_file_system(fd: impl AsFd) -> Result<()> {
    let fd = fd.as_fd();
    fs::syncfs(fd).named("syncfs", || format!("{fd:?}"))
}

#[cfg(test)]
mod tests;
