#![expect(unsafe_code, reason = "sigprocmask(2), signalfd(2), sigaction(2)")]
//! Signals as a single-threaded process handles them: blocked and read from a descriptor.
use std::{
    mem::{MaybeUninit, size_of},
    os::fd::{AsFd, FromRawFd, OwnedFd},
    ptr,
};

use crate::{Error, Result};

pub const SIGHUP: i32 = libc::SIGHUP;
pub const SIGINT: i32 = libc::SIGINT;
pub const SIGKILL: i32 = libc::SIGKILL;
pub const SIGPIPE: i32 = libc::SIGPIPE;
pub const SIGTERM: i32 = libc::SIGTERM;
pub const SIGCHLD: i32 = libc::SIGCHLD;
pub const SIGCONT: i32 = libc::SIGCONT;
pub const SIGSTOP: i32 = libc::SIGSTOP;
pub const SIGQUIT: i32 = libc::SIGQUIT;
pub const SIGUSR1: i32 = libc::SIGUSR1;

pub(crate) fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset writes the whole set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: initialised by the call above.
    unsafe { set.assume_init() }
}

pub(crate) fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset writes the whole set.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: initialised by the call above.
    unsafe { set.assume_init() }
}

fn set_of(signals: &[i32]) -> libc::sigset_t {
    let mut set = empty_set();
    for signal in signals {
        // SAFETY: the set is initialised; an impossible number is refused with EINVAL.
        unsafe { libc::sigaddset(&mut set, *signal) };
    }
    set
}

/// Blocks every signal that can be blocked in the calling thread.
pub fn block_all() -> Result<()> {
    set_mask(&full_set())
}

/// Blocks nothing in the calling thread.
pub fn unblock_all() -> Result<()> {
    set_mask(&empty_set())
}

fn set_mask(set: &libc::sigset_t) -> Result<()> {
    // SAFETY: the set is initialised; no old set is asked for.
    let done = unsafe { libc::sigprocmask(libc::SIG_SETMASK, set, ptr::null_mut()) };
    if done < 0 { Err(Error::last("sigprocmask", "SIG_SETMASK")) } else { Ok(()) }
}

/// signalfd(2) for `signals`, which must be blocked; non-blocking, close-on-exec.
pub fn descriptor(signals: &[i32]) -> Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: the set is initialised and copied by the kernel.
    let fd = unsafe { libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
    if fd < 0 {
        return Err(Error::last("signalfd", format_args!("{signals:?}")));
    }
    // SAFETY: a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes all pending signals off a signalfd. Returns their numbers.
pub fn drain(signalfd: impl AsFd) -> Vec<i32> {
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    let mut pending = Vec::new();
    let mut info = [0_u8; SIZE];
    while let Ok(SIZE) = rustix::io::read(signalfd.as_fd(), &mut info) {
        // `ssi_signo` is the first field (signalfd(2)).
        let [a, b, c, d, ..] = info;
        pending.push(i32::from_ne_bytes([a, b, c, d]));
    }
    pending
}

/// SIG_IGN for one signal; inherited across exec.
pub fn ignore(signal: i32) -> Result<()> {
    disposition(signal, libc::SIG_IGN)
}

/// SIG_DFL for these signals, by the system call itself: the C library refuses the two it uses internally,
/// 32 and 33, which posix_spawn(3) leaves ignored in the child.
pub fn restore_default(signals: &[i32]) -> Result<()> {
    /// struct sigaction of the kernel: handler (SIG_DFL is 0), flags, restorer where there is one, mask.
    const DEFAULT: [u64; 4] = [0; 4];
    /// Bytes of the kernel's signal set.
    const SET_SIZE: usize = 8;
    for signal in signals {
        let old = ptr::null_mut::<u64>();
        // SAFETY: the kernel reads at most four words from a live array; no old action is asked for.
        let done = unsafe { libc::syscall(libc::SYS_rt_sigaction, *signal, DEFAULT.as_ptr(), old, SET_SIZE) };
        if done < 0 {
            return Err(Error::last("rt_sigaction", format_args!("{signal}, SIG_DFL")));
        }
    }
    Ok(())
}

/// Sleeps until one of `signals`, which must be blocked, is pending, and takes it (sigwaitinfo(2)).
pub fn wait_for(signals: &[i32]) -> Result<i32> {
    let set = set_of(signals);
    // SAFETY: the set is initialised; no information about the signal is asked for.
    let signal = unsafe { libc::sigwaitinfo(&set, ptr::null_mut()) };
    if signal < 0 { Err(Error::last("sigwaitinfo", format_args!("{signals:?}"))) } else { Ok(signal) }
}

fn disposition(signal: i32, handler: libc::sighandler_t) -> Result<()> {
    let action =
        libc::sigaction { sa_sigaction: handler, sa_mask: empty_set(), sa_flags: 0, sa_restorer: None };
    // SAFETY: the action is initialised and names no function of ours.
    let done = unsafe { libc::sigaction(signal, &action, ptr::null_mut()) };
    if done < 0 { Err(Error::last("sigaction", signal)) } else { Ok(()) }
}

/// kill(2) by number, for processes that cannot be held by a pidfd (a cgroup's list). Positive pids only.
///
/// # Errors
/// ESRCH when it is gone; EINVAL for a pid that would mean a group or everybody.
pub fn kill(pid: i32, signal: i32) -> Result<()> {
    if pid <= 0 {
        return Err(Error::new("kill", format_args!("{pid}, {signal}"), crate::Errno::EINVAL));
    }
    // SAFETY: takes no memory.
    let done = unsafe { libc::kill(pid, signal) };
    if done < 0 { Err(Error::last("kill", format_args!("{pid}, {signal}"))) } else { Ok(()) }
}
