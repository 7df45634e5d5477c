//! Stops and continues all tasks of a group.
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    error::{Error, Result},
    files, kill,
};

/// Tasks in the middle of a system call freeze when it is done; one that hangs never does.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(1);

/// In a v1 freezer group. After an error it runs again.
pub(crate) fn v1(dir: &Path) -> Result<()> {
    let state = dir.join("freezer.state");
    wait(dir, || {
        // Each write makes the kernel look again.
        files::write(&state, "FROZEN")?;
        Ok(files::read(&state)?.trim() == "FROZEN")
    })
    .inspect_err(|_| drop(thaw_v1(dir)))
}

pub(crate) fn thaw_v1(dir: &Path) -> Result<()> {
    files::write(&dir.join("freezer.state"), "THAWED")
}

/// In a v2 group. After an error it runs again.
pub(crate) fn v2(dir: &Path) -> Result<()> {
    files::write(&dir.join("cgroup.freeze"), "1")?;
    let events = dir.join("cgroup.events");
    wait(dir, || Ok(files::fields(&files::read(&events)?).any(|field| field == ("frozen", 1))))
        .inspect_err(|_| drop(thaw_v2(dir)))
}

pub(crate) fn thaw_v2(dir: &Path) -> Result<()> {
    files::write(&dir.join("cgroup.freeze"), "0")
}

fn wait(dir: &Path, mut frozen: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !frozen()? {
        if Instant::now() > until {
            return Err(Error::Busy { op: "freeze", path: dir.to_owned(), pids: some(dir) });
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Enough of the members to look for.
pub(crate) fn some(dir: &Path) -> Vec<i32> {
    let mut pids = kill::members(dir);
    pids.truncate(10);
    pids
}
