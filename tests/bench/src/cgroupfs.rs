//! Finds the node's cgroup hierarchies, and reads how much CPU time a group has used.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

#[cfg(test)]
mod tests;

/// A mounted hierarchy: the one of cgroup v2, or one of v1 with its controllers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) mount: PathBuf,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    V2,
    /// Mount options of the file system, among them the controllers.
    V1(Vec<String>),
}

pub(crate) fn hierarchies() -> Result<Vec<Hierarchy>> {
    let text = fs::read_to_string("/proc/self/mountinfo").context("read /proc/self/mountinfo")?;
    Ok(parse_mountinfo(&text))
}

/// proc_pid_mountinfo(5). Bind mounts of single groups are left out.
fn parse_mountinfo(text: &str) -> Vec<Hierarchy> {
    let hierarchy = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, mount) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let (kind, _source, options) = (after.next()?, after.next()?, after.next()?);
        let kind = match kind {
            "cgroup2" => Kind::V2,
            "cgroup" => Kind::V1(options.split(',').map(str::to_owned).collect()),
            _ => return None,
        };
        (root == "/").then(|| Hierarchy { mount: PathBuf::from(mount), kind })
    };
    let mut found: Vec<Hierarchy> = text.lines().filter_map(hierarchy).collect();
    found.dedup_by(|one, other| one.mount == other.mount);
    found
}

/// The hierarchy that counts CPU time: v1's cpuacct if there is one, else v2, which counts without a controller.
pub(crate) fn accounting(all: &[Hierarchy]) -> Option<&Hierarchy> {
    let of_v1 = all.iter().find(|one| one.has("cpuacct"));
    of_v1.or_else(|| all.iter().find(|one| one.kind == Kind::V2))
}

/// Where /proc/<pid>/cgroup says a process is in `hierarchy`, as a path below its mount.
pub(crate) fn place_of<'t>(hierarchy: &Hierarchy, cgroup: &'t str) -> Option<&'t str> {
    cgroup.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let ours = match &hierarchy.kind {
            Kind::V2 => controllers.is_empty(),
            Kind::V1(_) => controllers.split(',').any(|name| !name.is_empty() && hierarchy.has(name)),
        };
        ours.then_some(path)
    })
}

/// CPU time that the group and all below it have used since it was made, also by what is gone by now.
pub(crate) fn cpu_time(group: &Path) -> Result<Duration> {
    let v1 = group.join("cpuacct.usage");
    if let Ok(text) = fs::read_to_string(&v1) {
        let ns = text.trim().parse().with_context(|| format!("{} holds {text:?}", v1.display()))?;
        return Ok(Duration::from_nanos(ns));
    }
    let v2 = group.join("cpu.stat");
    let text = fs::read_to_string(&v2).with_context(|| format!("read {}", v2.display()))?;
    let us = text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok());
    us.map(Duration::from_micros).with_context(|| format!("{} has no usage_usec", v2.display()))
}

impl Hierarchy {
    pub(crate) fn has(&self, controller: &str) -> bool {
        matches!(&self.kind, Kind::V1(options) if options.iter().any(|option| option == controller))
    }

    pub(crate) fn group(&self, path: &str) -> PathBuf {
        self.mount.join(path.trim_start_matches('/'))
    }
}
