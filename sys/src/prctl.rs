//! Attributes of the calling process: prctl(2).
use std::ffi::CString;

use rustix::process::{self, DumpableBehavior, Pid, Signal};

use crate::{Errno, Error, Result, error::Named};

/// PR_SET_DUMPABLE: 0 keeps other users' processes away from /proc/<pid>/{mem,fd,…} and from ptrace.
pub fn set_dumpable(on: bool) -> Result<()> {
    let value = if on { DumpableBehavior::Dumpable } else { DumpableBehavior::NotDumpable };
    process::set_dumpable_behavior(value).named("prctl", || format!("PR_SET_DUMPABLE, {on}"))
}

/// PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process. Survives exec.
pub fn set_child_subreaper(on: bool) -> Result<()> {
    // The kernel only asks whether the argument is zero.
    let value = if on { Pid::from_raw(1) } else { None };
    process::set_child_subreaper(value).named("prctl", || format!("PR_SET_CHILD_SUBREAPER, {on}"))
}

/// PR_SET_PDEATHSIG with SIGKILL: dies with its parent. Cleared by a change of user id, so set it after that.
pub fn die_with_parent() -> Result<()> {
    process::set_parent_process_death_signal(Some(Signal::KILL))
        .named("prctl", || "PR_SET_PDEATHSIG, SIGKILL")
}

/// PR_SET_NO_NEW_PRIVS.
pub fn set_no_new_privs() -> Result<()> {
    rustix::thread::set_no_new_privs(true).named("prctl", || "PR_SET_NO_NEW_PRIVS")
}

/// PR_SET_KEEPCAPS: permitted capabilities survive leaving user id 0.
pub fn set_keep_capabilities(on: bool) -> Result<()> {
    rustix::thread::set_keep_capabilities(on).named("prctl", || format!("PR_SET_KEEPCAPS, {on}"))
}

/// PR_SET_NAME: what ps shows as the command, at most 15 bytes.
pub fn set_name(name: &str) -> Result<()> {
    let invalid = || Error::new("prctl", format_args!("PR_SET_NAME, {name:?}"), Errno::EINVAL);
    let text = CString::new(name).map_err(|_| invalid())?;
    rustix::thread::set_name(&text).named("prctl", || format!("PR_SET_NAME, {name:?}"))
}

/// umask(2). Returns the old mask.
pub fn set_umask(mask: u32) -> u32 {
    process::umask(rustix::fs::Mode::from_raw_mode(mask)).as_raw_mode()
}
