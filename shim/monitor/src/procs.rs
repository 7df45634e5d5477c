//! Which processes there are: lists of a cgroup, and who descends from whom.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A container may make cgroups below its own (Docker in a pod does), as deep and as many as it likes.
const MAX_DIRECTORIES: usize = 4096;

/// Process ids in `dir` and in every cgroup below it.
pub(crate) fn of_cgroup(dir: &str) -> Vec<i32> {
    directories(dir).iter().flat_map(|dir| numbers(&dir.join("cgroup.procs"))).collect()
}

/// `dir` and the cgroups below it, `dir` first.
pub(crate) fn directories(dir: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(dir)];
    let mut looked_at = 0;
    while let Some(dir) = found.get(looked_at).filter(|_| found.len() < MAX_DIRECTORIES) {
        let below = subdirectories(dir);
        found.extend(below);
        looked_at += 1;
    }
    found
}

fn numbers(file: &Path) -> Vec<i32> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).collect()
}

fn subdirectories(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Every living process that `root` has started, directly or not, among `candidates`.
pub(crate) fn descendants(root: i32, candidates: &[i32]) -> Vec<i32> {
    let mut parents = BTreeMap::new();
    candidates.iter().copied().filter(|pid| descends(*pid, root, &mut parents)).collect()
}

/// Whether `root` is among the ancestors. These are followed whoever they are, for the list of a cgroup leaves out a
/// process that is dying, and that one still is its children's parent.
fn descends(pid: i32, root: i32, parents: &mut BTreeMap<i32, i32>) -> bool {
    let mut at = pid;
    let mut died = 0;
    while at != root && at > 1 {
        let parent = parents.get(&at).copied().or_else(|| parent_of(at));
        match parent {
            Some(parent) => {
                parents.insert(at, parent);
                at = parent;
            }
            None if at == pid || died == DEATHS => return false,
            // It died meanwhile, and its children have another parent now: what was read is of the past.
            None => {
                died += 1;
                parents.clear();
                at = pid;
            }
        }
    }
    at == root && pid != root
}

/// How often an ancestor may die while a chain is followed; whoever is missed is found by the next look.
const DEATHS: usize = 16;

/// `None` for a process that is gone, or dead and waiting to be reaped: its children have another parent already.
pub(crate) fn parent_of(pid: i32) -> Option<i32> {
    parse_parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Whether a process forks no more: it is stopped, dead or gone.
pub(crate) fn is_stopped_or_dead(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state_and_parent(&stat).is_none_or(|(state, _)| matches!(state, "T" | "t" | "Z" | "X"))
}

/// Every process of the host.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The parent, unless the process is dead.
fn parse_parent(stat: &str) -> Option<i32> {
    let (state, parent) = state_and_parent(stat)?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

/// The third and fourth field of proc_pid_stat(5). The second, the name, is in parentheses and may hold anything.
fn state_and_parent(stat: &str) -> Option<(&str, i32)> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    Some((fields.next()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
