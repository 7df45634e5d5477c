#![expect(unsafe_code, reason = "pidfd_send_signal(2) with any signal number")]
//! pidfds: a process named so that its number cannot be reused under us (pidfd_open(2)).
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::process::{self, Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, WaitOptions, WaitStatus};

use crate::{
    Errno, Error, Result,
    error::{Named, check},
};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// exit(2) with this status, 0..=255.
    Code(i32),
    /// Killed by this signal.
    Signal(i32),
}

impl Exit {
    /// What a shell would report: the status, or 128 + signal.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }

    fn of_wait(status: WaitStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }

    fn of(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or(0)),
        }
    }
}

/// pidfd_open(2). Sound for a child of ours that has not been waited for; otherwise the pid may have been reused.
pub fn open(pid: i32) -> Result<OwnedFd> {
    let named = Pid::from_raw(pid).ok_or_else(|| Error::new("pidfd_open", pid, Errno::EINVAL))?;
    process::pidfd_open(named, PidfdFlags::empty()).named("pidfd_open", || pid)
}

/// pidfd_send_signal(2); signal 0 only asks whether the process still exists.
///
/// # Errors
/// ESRCH when it has been reaped, EINVAL for a number that is no signal.
pub fn send_signal(pidfd: impl AsFd, signal: i32) -> Result<()> {
    let number = pidfd.as_fd().as_raw_fd();
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open for the length of the call and a null siginfo is allowed.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, number, signal, no_info, 0) };
    check(sent).map(drop).named("pidfd_send_signal", || format!("{number}, {signal}"))
}

/// Waits for the child behind `pidfd` and reaps it.
pub fn wait(pidfd: impl AsFd) -> Result<Exit> {
    waited(pidfd.as_fd(), WaitIdOptions::EXITED)?
        .ok_or_else(|| Error::new("waitid", format_args!("{:?}", pidfd.as_fd()), Errno::ECHILD))
}

/// Reaps the child behind `pidfd` if it has ended.
pub fn try_wait(pidfd: impl AsFd) -> Result<Option<Exit>> {
    waited(pidfd.as_fd(), WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
}

/// Whether the child behind `pidfd` has ended; does not reap it.
pub fn peek(pidfd: impl AsFd) -> Result<Option<Exit>> {
    waited(pidfd.as_fd(), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT)
}

fn waited(pidfd: BorrowedFd<'_>, options: WaitIdOptions) -> Result<Option<Exit>> {
    loop {
        return match process::waitid(WaitId::PidFd(pidfd), options) {
            Ok(status) => Ok(status.as_ref().map(Exit::of)),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("waitid", format_args!("{pidfd:?}"), errno.into())),
        };
    }
}

/// Reaps any one child that has ended: (pid, how). `None` when no child has, or there is no child.
pub fn reap_any() -> Result<Option<(i32, Exit)>> {
    loop {
        return match process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => Ok(Some((pid.as_raw_nonzero().get(), Exit::of_wait(status)))),
            Ok(None) | Err(rustix::io::Errno::CHILD) => Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("wait4", "-1, WNOHANG", errno.into())),
        };
    }
}
