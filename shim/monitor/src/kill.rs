//! Ending more than one process: a whole container, or an exec with everything it has started.
use std::{fs, os::fd::AsFd, time::Duration};

use sys::{
    pidfd,
    signal::{self, SIGKILL, SIGSTOP},
    time,
};

use crate::{container::Container, procs};

/// Rounds over a list that may grow while it is walked. Every round kills what it finds, so a fork bomb loses
/// ground; one that does not is stopped by its cgroup's limit of processes.
const ROUNDS: usize = 64;
/// What a process needs to die. All rounds together hold the loop up for at most 13 ms.
const DYING: Duration = Duration::from_micros(200);

/// SIGKILL to every process of the container.
pub(crate) fn container(container: &Container) {
    if container.own_pids {
        // The kernel kills the rest of the PID namespace with its first process.
        pidfd::send_signal(&container.pidfd, SIGKILL).ok();
    }
    cgroup(&container.cgroup_dirs);
    if !container.own_pids {
        // Last: once it is reaped the container counts as ended.
        pidfd::send_signal(&container.pidfd, SIGKILL).ok();
    }
}

/// SIGKILL to every process of the cgroup and of those below it.
pub(crate) fn cgroup(dirs: &[String]) {
    let by_kernel = |dir: &String| fs::OpenOptions::new().write(true).open(format!("{dir}/cgroup.kill"));
    if let [only] = dirs
        && let Ok(mut file) = by_kernel(only)
        && std::io::Write::write_all(&mut file, b"1").is_ok()
    {
        return;
    }
    // Every hierarchy has the same processes.
    let Some(dir) = dirs.first() else { return };
    for _ in 0..ROUNDS {
        let pids = procs::of_cgroup(dir);
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            signal::kill(pid, SIGKILL).ok();
        }
        time::sleep(DYING);
    }
}

/// SIGKILL to the first process of an exec and to all its descendants, the container's others left alone.
///
/// That process is a subreaper, so what it has started stays its descendant, however it daemonised. It is
/// stopped first and killed last: until then none of them is handed to the container's init. A child that was
/// being forked while its parent was stopped or killed shows only when the parent has stopped or is dead, hence the
/// rounds until there is nobody, and a look counts only once the first process has stopped.
pub(crate) fn tree(pid: i32, process: impl AsFd, cgroup_dirs: &[String]) {
    pidfd::send_signal(process.as_fd(), SIGSTOP).ok();
    for _ in 0..ROUNDS {
        let forks_no_more = procs::is_stopped_or_dead(pid);
        let candidates = cgroup_dirs.first().map_or_else(procs::all, |dir| procs::of_cgroup(dir));
        let found = procs::descendants(pid, &candidates);
        if found.is_empty() && forks_no_more {
            break;
        }
        for descendant in found {
            kill_verified(descendant);
        }
        time::sleep(DYING);
    }
    pidfd::send_signal(process, SIGKILL).ok();
}

/// Kills by pidfd after another look, so that a number that was reused in between hits nobody.
fn kill_verified(pid: i32) {
    let Some(before) = procs::parent_of(pid) else { return };
    let Ok(process) = pidfd::open(pid) else { return };
    if procs::parent_of(pid) == Some(before) {
        pidfd::send_signal(&process, SIGKILL).ok();
    }
}
