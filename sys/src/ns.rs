#![expect(unsafe_code, reason = "unshare(2)")]
//! Namespaces of the calling thread: leave, enter, name (namespaces(7)).
use std::os::fd::{AsFd, OwnedFd};

use rustix::{
    fs::{Mode, OFlags},
    thread::{ThreadNameSpaceType, UnshareFlags},
};

use crate::{Result, error::Named};

bitflags::bitflags! {
    /// Kinds of namespaces: CLONE_NEW* of <linux/sched.h>.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub struct Kinds: u32 {
        const MOUNT = libc::CLONE_NEWNS as u32;
        const PID = libc::CLONE_NEWPID as u32;
        const NETWORK = libc::CLONE_NEWNET as u32;
        const IPC = libc::CLONE_NEWIPC as u32;
        const UTS = libc::CLONE_NEWUTS as u32;
        const CGROUP = libc::CLONE_NEWCGROUP as u32;
        const USER = libc::CLONE_NEWUSER as u32;
    }
}

/// unshare(2). Changes the calling thread only: use it in single-threaded processes or on a thread that ends.
pub fn unshare(kinds: Kinds) -> Result<()> {
    let flags = UnshareFlags::from_bits_retain(kinds.bits());
    // SAFETY: no CLONE_FILES or CLONE_VM-like flag can be in `kinds`, so the descriptor table stays shared.
    unsafe { rustix::thread::unshare_unsafe(flags) }.named("unshare", || format!("{kinds:?}"))
}

/// setns(2) with a namespace descriptor or, for several kinds at once, a pidfd.
pub fn enter(fd: impl AsFd, kinds: Kinds) -> Result<()> {
    let kinds_raw = ThreadNameSpaceType::from_bits_retain(kinds.bits());
    rustix::thread::move_into_thread_name_spaces(fd.as_fd(), kinds_raw)
        .named("setns", || format!("{:?}, {kinds:?}", fd.as_fd()))
}

/// Opens a namespace of the calling thread: `name` as under /proc/self/ns, "mnt", "pid", "net" …
pub fn open_own(name: &str) -> Result<OwnedFd> {
    open_path(&format!("/proc/thread-self/ns/{name}"))
}

/// Opens a namespace of another process, as seen in the /proc of the caller's PID namespace.
pub fn open_of(pid: i32, name: &str) -> Result<OwnedFd> {
    open_path(&format!("/proc/{pid}/ns/{name}"))
}

fn open_path(path: &str) -> Result<OwnedFd> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).named("open", || path.to_owned())
}

/// sethostname(2) in the caller's UTS namespace.
///
/// # Errors
/// EINVAL for more than 64 bytes.
pub fn set_hostname(name: &str) -> Result<()> {
    rustix::system::sethostname(name.as_bytes()).named("sethostname", || format!("{name:?}"))
}
