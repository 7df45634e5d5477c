//! Removes a group's directory with all groups below it, of any depth.
use std::{
    collections::BTreeSet,
    fs, io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use sys::at;

use crate::{
    error::{Error, Result},
    freeze,
};

/// A process that was killed is in its group until it has ended; one that hangs in the kernel stays.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_micros(200);
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// When to give up a removal that begins now.
pub(crate) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

/// Removes `dir`; one that is not there is success. `kill` is called when something lives in it.
///
/// # Errors
/// [`Error::Busy`] with what still lives there at `until`.
pub(crate) fn tree(dir: &Path, until: Instant, mut kill: impl FnMut()) -> Result<()> {
    let mut pause = PAUSE_MIN;
    loop {
        match fs::remove_dir(dir) {
            Ok(()) => return Ok(()),
            Err(source) => match source.kind() {
                io::ErrorKind::NotFound => return Ok(()),
                io::ErrorKind::ResourceBusy | io::ErrorKind::DirectoryNotEmpty => {}
                _ => return Err(Error::Io { op: "remove", path: dir.to_owned(), source }),
            },
        }
        kill();
        if let Ok(top) = fs::File::open(dir) {
            below(top.into(), until).map_err(|source| Error::Io {
                op: "remove what is below",
                path: dir.to_owned(),
                source: source.into(),
            })?;
        }
        if Instant::now() > until {
            return Err(Error::Busy { op: "remove", path: dir.to_owned(), pids: freeze::some(dir) });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Removes the groups below `top` that are empty, the deepest first.
///
/// A container with a writable cgroup mount may nest them thousands deep: further than a path can name, and further
/// than there are descriptors. So only one directory is open at a time, and the way back is `..`; the kernel moves
/// no cgroup to another parent.
fn below(top: OwnedFd, until: Instant) -> sys::Result<()> {
    let mut at = top;
    let mut depth = 0usize;
    // Who still lives after one visit is left for the next round.
    let mut visited = BTreeSet::new();
    while Instant::now() <= until {
        let mut next = None;
        for name in at::child_dirs(at::reopen_dir(at.as_fd())?.as_fd())? {
            if at::remove_dir(at.as_fd(), &name).is_ok() || next.is_some() {
                continue;
            }
            let Ok(child) = at::open_dir(at.as_fd(), &name) else { continue };
            if visited.insert(at::stat(child.as_fd())?.ino) {
                next = Some(child);
            }
        }
        match next {
            Some(child) => (at, depth) = (child, depth + 1),
            None if depth == 0 => return Ok(()),
            None => (at, depth) = (at::open_parent(at.as_fd())?, depth - 1),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
