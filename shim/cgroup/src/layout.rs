//! Which hierarchies this node has and where they are mounted.
use std::{fs, path::PathBuf};

use crate::error::{Error, Result};

/// The node's cgroup hierarchies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One hierarchy with all controllers.
    V2(PathBuf),
    /// One hierarchy per controller, and in a hybrid layout a v2 one without controllers.
    V1 {
        /// Controller names and mount point of each v1 hierarchy, as mounted.
        controllers: Vec<(String, PathBuf)>,
        /// The v2 hierarchy of a hybrid layout.
        unified: Option<PathBuf>,
    },
}

/// The v1 controllers a container is put under.
const CONTROLLERS: &[&str] = &[
    "cpu",
    "cpuacct",
    "cpuset",
    "memory",
    "devices",
    "freezer",
    "blkio",
    "pids",
    "hugetlb",
    "net_cls",
    "net_prio",
    "perf_event",
];

impl Layout {
    /// Reads /proc/self/mountinfo.
    ///
    /// # Errors
    /// When no cgroup file system is mounted.
    pub fn detect() -> Result<Self> {
        let path = PathBuf::from("/proc/self/mountinfo");
        let table = fs::read_to_string(&path).map_err(|source| Error::Io { op: "read", path, source })?;
        Self::parse(&table).ok_or(Error::NoHierarchy)
    }

    /// Of the text of a mountinfo file (proc_pid_mountinfo(5)).
    pub(crate) fn parse(table: &str) -> Option<Self> {
        let (mut controllers, mut unified) = (Vec::new(), None);
        for line in table.lines() {
            let Some((mount, fs)) = line.split_once(" - ") else { continue };
            let mut words = fs.split(' ');
            let (Some(kind), Some(_), Some(options)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Some(point) = mount.split(' ').nth(4) else { continue };
            match kind {
                "cgroup2" if unified.is_none() => unified = Some(PathBuf::from(point)),
                "cgroup" => {
                    let names: Vec<&str> =
                        options.split(',').filter(|name| CONTROLLERS.contains(name)).collect();
                    if !names.is_empty() {
                        controllers.push((names.join(","), PathBuf::from(point)));
                    }
                }
                _ => {}
            }
        }
        match (controllers.is_empty(), unified) {
            (true, Some(point)) => Some(Self::V2(point)),
            (true, None) => None,
            (false, unified) => Some(Self::V1 { controllers, unified }),
        }
    }

    /// Whether the hierarchy mounted at `root` has the controller.
    pub(crate) fn has(&self, root: &std::path::Path, controller: &str) -> bool {
        self.root_of(controller).is_some_and(|found| found == root)
    }

    /// Where the files of a controller are.
    pub(crate) fn root_of(&self, controller: &str) -> Option<PathBuf> {
        match self {
            Self::V2(point) => Some(point.clone()),
            Self::V1 { controllers, .. } => controllers
                .iter()
                .find(|(names, _)| names.split(',').any(|name| name == controller))
                .map(|(_, point)| point.clone()),
        }
    }

    /// The mount points of every hierarchy a container joins.
    pub(crate) fn roots(&self) -> Vec<PathBuf> {
        match self {
            Self::V2(point) => vec![point.clone()],
            Self::V1 { controllers, unified } => {
                controllers.iter().map(|(_, point)| point.clone()).chain(unified.clone()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
