//! Ends every process of a group.
use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{error::Result, files};

/// A process in the middle of a fork may have a child that was not in the list yet; a few rounds find it.
const ROUNDS: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);
const SIGKILL: i32 = 9;

/// v2, Linux 5.14: the kernel does it at once, forks included. False when it cannot.
pub(crate) fn at_once(dir: &Path) -> bool {
    files::write(&dir.join("cgroup.kill"), "1").is_ok()
}

/// v1 and older kernels: signal what is listed until nothing is. A group that keeps members is reported by its removal.
pub(crate) fn one_by_one(dir: &Path) -> Result<()> {
    let until = Instant::now() + ROUNDS;
    loop {
        let members = members(dir);
        if members.is_empty() || Instant::now() > until {
            return Ok(());
        }
        for pid in members {
            // The process may have ended since; its number cannot be another's yet, for nobody has reaped it.
            if let Ok(process) = sys::pidfd::open(pid) {
                let _ = sys::pidfd::send_signal(&process, SIGKILL);
            }
        }
        thread::sleep(PAUSE);
    }
}

/// The processes in the group and below; zombies are not listed.
pub(crate) fn members(dir: &Path) -> Vec<i32> {
    let own = files::read(&dir.join("cgroup.procs")).unwrap_or_default();
    let mut pids: Vec<i32> = own.lines().filter_map(|line| line.parse().ok()).collect();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            pids.extend(members(&entry.path()));
        }
    }
    pids
}
