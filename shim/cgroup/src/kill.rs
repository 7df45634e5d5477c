//! Sends SIGKILL to every process of a group.
use std::{collections::BTreeSet, fs, path::Path};

use sys::signal::SIGKILL;

use crate::files;

/// A process in the middle of a fork may have a child that was not in the list yet. Each round signals what is new;
/// a signalled process forks no more, so only a bomb that doubles faster than we signal needs many.
const ROUNDS: usize = 1000;

/// v2, Linux 5.14: the kernel does it at once, forks included. False when it cannot.
pub(crate) fn at_once(dir: &Path) -> bool {
    files::write(&dir.join("cgroup.kill"), "1").is_ok()
}

/// v1 and older kernels: signals what is listed until nothing new is.
pub(crate) fn one_by_one(dir: &Path) {
    let mut signalled = BTreeSet::new();
    for _ in 0..ROUNDS {
        let fresh: Vec<i32> = members(dir).into_iter().filter(|pid| !signalled.contains(pid)).collect();
        if fresh.is_empty() {
            return;
        }
        let held: Vec<_> =
            fresh.iter().filter_map(|pid| Some((*pid, sys::pidfd::open(*pid).ok()?))).collect();
        // Of a process that ended since it was listed another may have the number by now. Whoever is listed again
        // with its descriptor open is the one meant.
        let listed: BTreeSet<i32> = members(dir).into_iter().collect();
        for (pid, process) in held.iter().filter(|(pid, _)| listed.contains(pid)) {
            let _ = sys::pidfd::send_signal(process, SIGKILL);
            signalled.insert(*pid);
        }
    }
}

/// The processes in the group and below; zombies are not listed.
pub(crate) fn members(dir: &Path) -> Vec<i32> {
    let mut pids = Vec::new();
    for dir in std::iter::once(dir.to_owned()).chain(below(dir)) {
        let own = files::read_or_empty(&dir.join("cgroup.procs"));
        pids.extend(own.lines().filter_map(|line| line.parse::<i32>().ok()));
    }
    pids
}

/// All groups below.
pub(crate) fn below(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    let mut open = children(dir);
    while let Some(dir) = open.pop() {
        open.extend(children(&dir));
        all.push(dir);
    }
    all
}

/// The groups right below.
fn children(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}
