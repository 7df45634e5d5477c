//! Process groups: ending a program together with what it started (credentials(7)).

use rustix::process::{self, Pid, Signal};

use crate::{Errno, Error, Result, error::Named};

/// killpg(2) with SIGKILL. Sound as long as the group's leader, a child of the caller, has not been waited for: until then its
/// number names no other group. Right if nobody is left in it.
///
/// # Errors
/// EINVAL for a number that would mean the caller's own group or everybody.
pub fn kill(leader: i32) -> Result<()> {
    let group = Pid::from_raw(leader.max(0)).filter(|pid| !pid.is_init());
    let group = group.ok_or_else(|| Error::new("killpg", leader, Errno::EINVAL))?;
    match process::kill_process_group(group, Signal::KILL) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        done => done.named("killpg", || format!("{leader}, SIGKILL")),
    }
}

#[cfg(test)]
mod tests;
