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
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for pid in candidates {
        if let Some(parent) = parent_of(*pid) {
            children.entry(parent).or_default().push(*pid);
        }
    }
    let mut found = Vec::new();
    let mut todo = vec![root];
    while let Some(pid) = todo.pop() {
        if let Some(next) = children.remove(&pid) {
            found.extend_from_slice(&next);
            todo.extend(next);
        }
    }
    found
}

/// `None` for a process that is gone, or dead and waiting to be reaped: its children have another parent already.
pub(crate) fn parent_of(pid: i32) -> Option<i32> {
    parse_parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Every process of the host.
pub(crate) fn all() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The fourth field of proc_pid_stat(5), unless the third says that it is dead. The second, the name, is in
/// parentheses and may hold anything.
fn parse_parent(stat: &str) -> Option<i32> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(parent)
}

#[cfg(test)]
mod tests;
