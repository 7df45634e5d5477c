//! One process at a time: an exclusive flock(2) that lasts as long as its descriptor.
use std::{
    fs::OpenOptions,
    io,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

/// How long a lock may still be held by nobody who matters: a child between fork and exec has its parent's descriptors
/// for a moment, also after the parent has let go or died.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes the lock of this file, which is made where it does not exist.
///
/// # Errors
/// `WouldBlock` when another process holds it, and goes on holding it for two seconds.
pub fn exclusive(path: &Path) -> io::Result<OwnedFd> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
            done => return done.map(|()| file.into()).map_err(Into::into),
        }
    }
}

#[cfg(test)]
mod tests;
