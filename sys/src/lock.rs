//! One process at a time: an exclusive flock(2) that lasts as long as its descriptor.
use std::{
    fs::OpenOptions,
    io,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

/// Takes the lock without waiting.
///
/// # Errors
/// `WouldBlock` when another process holds it.
pub fn exclusive(path: &Path) -> io::Result<OwnedFd> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file.into())
}
