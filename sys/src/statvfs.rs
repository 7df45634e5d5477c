//! How large a file system is: statvfs(3).
use std::path::Path;

use crate::{Result, error::Named};

/// Of the file system a path lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes.
    pub total: u64,
    /// Bytes left to anybody.
    pub available: u64,
    /// Inodes; 0 where they are made as needed (btrfs).
    pub inodes: u64,
    /// Inodes left.
    pub inodes_free: u64,
}

/// Size and what is left of the file system that `path` lies on.
///
/// # Errors
/// ENOENT, EACCES, EIO.
pub fn size(path: &Path) -> Result<Size> {
    let found = rustix::fs::statvfs(path).named("statvfs", || format!("{path:?}"))?;
    Ok(Size {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        available: found.f_bavail.saturating_mul(found.f_frsize),
        inodes: found.f_files,
        inodes_free: found.f_ffree,
    })
}
