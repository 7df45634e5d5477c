//! Processes as /proc shows them: found by name and argument, described.
use std::{collections::HashMap, fs, io, os::fd::BorrowedFd, time::Duration};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Error, Result, error::Named as _};

/// Processes of one program, by their first argument.
#[derive(Debug, Default)]
pub struct Named {
    pids: HashMap<String, i32>,
}

impl Named {
    /// Looks at every process once and keeps those whose argv\[0\] is `program`.
    ///
    /// A process that was forked and has not executed another program shows its parent's arguments: of such a family the
    /// eldest is kept.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn scan(program: &str) -> io::Result<Self> {
        let mut found = HashMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            if let Some(argument) = first_argument(pid, program) {
                found.insert(pid, argument);
            }
        }
        let forked =
            |pid: i32, argument: &String| parent(pid).and_then(|own| found.get(&own)) == Some(argument);
        let eldest = found.iter().filter(|(pid, argument)| !forked(**pid, argument));
        Ok(Self { pids: eldest.map(|(pid, argument)| (argument.clone(), *pid)).collect() })
    }

    /// The process with that first argument.
    pub fn pid_of(&self, argument: &str) -> Option<i32> {
        self.pids.get(argument).copied()
    }
}

/// Whether `pid` is, at this moment, `program` with that first argument.
pub fn is_named(pid: i32, program: &str, argument: &str) -> bool {
    first_argument(pid, program).is_some_and(|found| found == argument)
}

fn first_argument(pid: i32, program: &str) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = line.split(|byte| *byte == 0);
    if words.next()? != program.as_bytes() {
        return None;
    }
    String::from_utf8(words.next()?.to_vec()).ok()
}

fn parent(pid: i32) -> Option<i32> {
    stat(pid, 4)?.parse().ok()
}

/// A field of /proc/pid/stat after the name, by its number in proc_pid_stat(5).
fn stat(pid: i32, field: usize) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks and parentheses itself; it ends at the last one.
    let (_, rest) = line.rsplit_once(')')?;
    rest.split_whitespace().nth(field.checked_sub(3)?).map(str::to_owned)
}

/// Name, state and the kernel function a process waits in: what a person wants to know of one that will not die.
pub fn describe(pid: i32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let status = read("status");
    let field = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or("?").trim().to_owned()
    };
    format!("{}, state {}, waits in {:?}", field("Name:"), field("State:"), read("wchan"))
}

/// The node's host name (uname(2)).
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Waits until the process behind a pidfd has ended.
///
/// # Errors
/// ETIMEDOUT after `limit`.
pub fn wait_ended(pidfd: BorrowedFd<'_>, limit: Duration) -> Result<()> {
    let timeout = Timespec::try_from(limit)
        .map_err(|_| Error::new("poll", format_args!("{limit:?}"), crate::Errno::EINVAL))?;
    let mut watched = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
    match poll(&mut watched, Some(&timeout)).named("poll", || format!("{pidfd:?}"))? {
        0 => Err(Error::new("poll", format_args!("{pidfd:?}"), crate::Errno::ETIMEDOUT)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
