#![expect(unsafe_code, reason = "clone3(2)")]
//! clone3(2) used like fork: the child gets a copy of everything. Only for single-threaded processes.
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs;

use crate::{Errno, Error, Result};

/// Proof that the process had one thread when it was made.
///
/// In a process with more threads a lock that another thread holds stays locked in the child for ever; with one
/// thread the child may allocate, format and return errors like any other code. The holder promises to start
/// no thread.
#[derive(Debug, Clone, Copy)]
pub struct SingleThreaded(());

impl SingleThreaded {
    /// # Errors
    /// EBUSY when there are more threads than one.
    pub fn check() -> Result<Self> {
        // A directory's link count is its subdirectories plus two, and every thread is one.
        match fs::stat("/proc/self/task") {
            Ok(stat) if stat.st_nlink == 3 => Ok(Self(())),
            Ok(stat) => {
                let args =
                    format_args!("/proc/self/task: {} threads", stat.st_nlink.saturating_sub(2)).to_string();
                Err(Error::new("stat", args, Errno::EBUSY))
            }
            Err(errno) => Err(Error::new("stat", "/proc/self/task", errno.into())),
        }
    }
}

bitflags::bitflags! {
    /// CLONE_* of <linux/sched.h>, as far as a fork can use them.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Flags: u64 {
        const NEWNS = libc::CLONE_NEWNS as u64;
        const NEWPID = libc::CLONE_NEWPID as u64;
        const NEWIPC = libc::CLONE_NEWIPC as u64;
        const NEWUTS = libc::CLONE_NEWUTS as u64;
        const NEWNET = libc::CLONE_NEWNET as u64;
        /// The child's parent is the caller's parent.
        const PARENT = libc::CLONE_PARENT as u64;
    }
}

/// Which side of the fork this is.
#[derive(Debug)]
pub enum Forked {
    Parent { pid: i32, pidfd: OwnedFd },
    Child,
}

/// Forks. The child ends with SIGCHLD to its parent; `cgroup` is a v2 directory it is born in.
///
/// The child holds duplicates of all descriptors, so it must leave by exec or [`crate::process::exit_now`]
/// and never return into the caller's frames.
pub fn clone3(_proof: SingleThreaded, flags: Flags, cgroup: Option<BorrowedFd<'_>>) -> Result<Forked> {
    /// CLONE_INTO_CGROUP of <linux/sched.h>; libc's constant is too narrow.
    const INTO_CGROUP: u64 = 0x2_0000_0000;
    let mut pidfd: i32 = -1;
    let mut raw_flags = flags.bits() | libc::CLONE_PIDFD as u64;
    if cgroup.is_some() {
        raw_flags |= INTO_CGROUP;
    }
    let args = libc::clone_args {
        flags: raw_flags,
        pidfd: (&raw mut pidfd) as u64,
        child_tid: 0,
        parent_tid: 0,
        // With CLONE_PARENT the signal is the caller's own and must not be given.
        exit_signal: if flags.contains(Flags::PARENT) { 0 } else { libc::SIGCHLD as u64 },
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    // SAFETY: without CLONE_VM and a stack this is a fork: the child runs on a copy of this memory. One thread
    // exists (`_proof`), so no lock is left behind. `pidfd` outlives the call.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &args, size_of::<libc::clone_args>()) };
    match pid {
        0 => Ok(Forked::Child),
        1.. => {
            // SAFETY: CLONE_PIDFD stored a new descriptor that nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Parent { pid: i32::try_from(pid).unwrap_or(i32::MAX), pidfd })
        }
        _ => Err(Error::last(
            "clone3",
            format_args!("{flags:?}, cgroup {:?}", cgroup.map(|fd| fd.as_raw_fd())),
        )),
    }
}
