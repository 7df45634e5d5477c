//! A process that holds a systemd scope open: there is none without a process, and systemd takes an empty one away.
//!
//! It is a copy of the monitor's program that waits until nobody has the other end of its standard input any more.
//! The pod's monitor gets that end with the start and keeps it until it has seen whether the kernel killed for want of
//! memory, which only the scope's files tell. Whoever dies in between lets go of it, so nothing has to be recorded.
use std::{
    ffi::CString,
    os::fd::{AsFd, OwnedFd},
};

use super::client;
use crate::{
    ctx::Ctx,
    error::{Error, IoContext, Kind, Result},
    ids::ContainerId,
};

#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) pid: i32,
    /// Closed, it ends the process.
    pub(crate) end: OwnedFd,
}

pub(crate) fn start(cx: &Ctx, id: &ContainerId) -> Result<Hold> {
    let (theirs, end) =
        sys::io::pipe().map_err(|error| Error::caused(Kind::Exhausted, "make a pipe for a scope", error))?;
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").doing(|| "open /dev/null".into())?;
    let argument =
        CString::new(id.as_str()).map_err(|error| Error::caused(Kind::Internal, "name a scope", error))?;
    let child = sys::process::spawn(&sys::process::SpawnArgs {
        executable: sys::process::Executable::Fd(cx.monitor_program.as_fd()),
        argv: &[c"berth-hold", &argument],
        env: &[],
        fds: &[(theirs.as_fd(), 0), (null.as_fd(), 1), (null.as_fd(), 2)],
        setsid: true,
    })
    .map_err(|error| Error::caused(Kind::Exhausted, "start what holds a scope", error))?;
    let pidfd = child.pidfd;
    tokio::spawn(async move {
        let _ = client::readable(pidfd.as_fd()).await;
        let _ = sys::pidfd::try_wait(&pidfd);
    });
    Ok(Hold { pid: child.pid, end })
}
