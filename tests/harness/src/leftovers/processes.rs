//! Processes of a slot, however they came about, and what its daemon holds open.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::Slot;

/// A process and why it is the slot's.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pid: u32,
    line: String,
}

pub(super) fn list(slot: &Slot, daemon: Option<u32>) -> Vec<String> {
    find(slot).into_iter().filter(|found| Some(found.pid) != daemon).map(|found| found.line).collect()
}

/// A process is the slot's when its command line, working directory, root, standard streams, cgroup or mounts say so.
/// This very process never is.
pub(super) fn find(slot: &Slot) -> Vec<Found> {
    let dir = slot.dir().to_string_lossy().into_owned();
    let groups = [slot.cgroup_root(), format!("/{}", slot.slice())];
    // Many processes share a mount namespace: its table is read once.
    let mut tables: BTreeMap<PathBuf, bool> = BTreeMap::new();
    if let Ok(own) = fs::read_link("/proc/self/ns/mnt") {
        tables.insert(own, false);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if pid == std::process::id() {
            continue;
        }
        let proc = entry.path();
        if is_of(&proc, &dir, &groups, &mut tables) && !is_dead(&proc) {
            let command = fs::read(proc.join("cmdline")).unwrap_or_default();
            let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            found.push(Found { pid, line: format!("process {pid}: {}", words.join(" ").trim()) });
        }
    }
    found
}

fn is_of(proc: &Path, dir: &str, ours: &[String], tables: &mut BTreeMap<PathBuf, bool>) -> bool {
    let command = fs::read(proc.join("cmdline")).unwrap_or_default();
    if names(&command, dir) {
        return true;
    }
    let links = ["cwd", "root", "exe", "fd/0", "fd/1", "fd/2"];
    let inside = |link: &str| fs::read_link(proc.join(link)).is_ok_and(|to| to.starts_with(dir));
    if links.into_iter().any(inside) {
        return true;
    }
    let groups = fs::read_to_string(proc.join("cgroup")).unwrap_or_default();
    let mut paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let below = |path: &str, cgroup: &String| {
        path.strip_prefix(cgroup.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if paths.any(|path| ours.iter().any(|cgroup| below(path, cgroup))) {
        return true;
    }
    let Ok(namespace) = fs::read_link(proc.join("ns/mnt")) else { return false };
    *tables.entry(namespace).or_insert_with(|| {
        let table = fs::read(proc.join("mountinfo")).unwrap_or_default();
        contains(&table, &format!("{dir}/"))
    })
}

/// A zombie waits for its parent: that is the parent's leak, and the parent is listed itself.
fn is_dead(proc: &Path) -> bool {
    let status = fs::read_to_string(proc.join("status")).unwrap_or_default();
    status.is_empty() || (status.contains("\nState:\tZ") && !status.contains("berth-monitor"))
}

/// Namespaces, pidfds, memfds and the slot's own files a process has open, counted by kind.
pub(super) fn held(slot: &Slot, pid: u32) -> Vec<String> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let Ok(link) = fs::read_link(entry.path()) else { continue };
        let link = link.to_string_lossy();
        let kind = if let Some((kind, _)) =
            link.split_once(":[").filter(|(kind, _)| *kind != "socket" && *kind != "pipe")
        {
            format!("{kind} namespace")
        } else if link.contains("[pidfd]") {
            "pidfd".to_owned()
        } else if link.starts_with("/memfd:") || link.starts_with(&*slot.dir().to_string_lossy()) {
            link.into_owned()
        } else {
            continue;
        };
        *counts.entry(kind).or_default() += 1;
    }
    // One line for each, so that three after two shows as one more.
    let numbered = counts.into_iter().flat_map(|(kind, count)| {
        (1..=count).map(move |number| format!("descriptor of the daemon: {kind}, number {number}"))
    });
    numbered.collect()
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// Does the text name this directory, and not one whose name only begins the same (slot 1 and slot 10)?
pub(super) fn names(text: &[u8], dir: &str) -> bool {
    let ends = |at: usize| text.get(at + dir.len()).is_none_or(|next| !next.is_ascii_alphanumeric());
    let begins = text.windows(dir.len()).enumerate().filter(|(_, window)| *window == dir.as_bytes());
    begins.map(|(at, _)| at).any(ends)
}
