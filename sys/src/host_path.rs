//! Paths of the host that a caller names: what they lead to now, and reading small files without being led on.
use std::{
    fs, io,
    io::Read,
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use crate::{
    Error, Result,
    error::Named,
    fd::{self, Kind},
    path,
};

/// Where `path` leads after every symbolic link. Opened once: the answer is the opened file's own name.
///
/// # Errors
/// ENOENT, ELOOP, EACCES.
pub fn resolve(path: &Path) -> Result<PathBuf> {
    let opened = path::open_path(path)?;
    name_of(opened.as_fd())
}

/// The name by which the kernel knows what is open, from the host's root.
///
/// # Errors
/// When procfs is not there.
pub fn name_of(opened: std::os::fd::BorrowedFd<'_>) -> Result<PathBuf> {
    let link = fd::proc_path(opened);
    fs::read_link(&link).map_err(|error| Error::new("readlink", link, crate::Errno::from_io(&error)))
}

/// The bytes of a regular file of at most `limit` bytes; a FIFO or a device is refused before it is opened for reading.
///
/// # Errors
/// `InvalidInput` for anything but a regular file or for one that is too large.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let named = path::open_path(path)?;
    if fd::identity(&named)?.kind != Kind::File {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // Through the descriptor: the very file that was looked at.
    let file = fs::File::open(fd::proc_path(named.as_fd()))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Owner and mode of a directory of ours, whatever the umask made of it.
pub fn set_owner_mode(directory: &Path, uid: u32, gid: u32, mode: u32) -> Result<()> {
    std::os::unix::fs::lchown(directory, Some(uid), Some(gid)).map_err(|error| {
        Error::new("lchown", format_args!("{directory:?}"), crate::Errno::from_io(&error))
    })?;
    fs::set_permissions(directory, fs::Permissions::from_mode(mode)).map_err(|error| {
        Error::new("chmod", format_args!("{directory:?}, {mode:o}"), crate::Errno::from_io(&error))
    })
}

/// SIGKILL to ourselves: what a crash test wants of a step.
pub fn kill_self() -> Result<()> {
    let pid = rustix::process::getpid();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).named("kill", || "self, SIGKILL")
}
