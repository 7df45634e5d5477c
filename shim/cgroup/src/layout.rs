//! Which hierarchies this node has and where they are mounted.
use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// The node's cgroup hierarchies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One hierarchy with all controllers.
    V2(PathBuf),
    /// One hierarchy per controller, and in a hybrid layout a v2 one without controllers.
    V1 {
        /// Controller names (comma separated, where one hierarchy has several) and mount point of each v1 hierarchy.
        controllers: Vec<(String, PathBuf)>,
        /// The v2 hierarchy of a hybrid layout.
        unified: Option<PathBuf>,
    },
}

/// The v1 controllers a container is put under. A hierarchy that only has a name, such as systemd's, is its owner's.
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

    /// Of the text of a mountinfo file (proc_pid_mountinfo(5)). Of a hierarchy that is mounted twice the first mount
    /// counts.
    pub(crate) fn parse(table: &str) -> Option<Self> {
        let (mut controllers, mut unified): (Vec<(String, PathBuf)>, _) = (Vec::new(), None);
        for line in table.lines() {
            let Some((mount, fs)) = line.split_once(" - ") else { continue };
            let mut words = fs.split(' ');
            let (Some(kind), Some(_), Some(options)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let Some(point) = mount.split(' ').nth(4).map(unescape) else { continue };
            match kind {
                "cgroup2" if unified.is_none() => unified = Some(point),
                "cgroup" => {
                    let names: Vec<&str> =
                        options.split(',').filter(|name| CONTROLLERS.contains(name)).collect();
                    let names = names.join(",");
                    if !names.is_empty() && controllers.iter().all(|(known, _)| *known != names) {
                        controllers.push((names, point));
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

    /// Whether limits are those of v2.
    pub fn is_v2(&self) -> bool {
        matches!(self, Self::V2(_))
    }

    /// Where the files of a controller are.
    pub(crate) fn root_of(&self, controller: &str) -> Option<&Path> {
        match self {
            Self::V2(point) => Some(point),
            Self::V1 { controllers, .. } => controllers
                .iter()
                .find(|(names, _)| names.split(',').any(|name| name == controller))
                .map(|(_, point)| point.as_path()),
        }
    }

    /// The v2 hierarchy, with or without controllers.
    pub(crate) fn unified(&self) -> Option<&Path> {
        match self {
            Self::V2(point) => Some(point),
            Self::V1 { unified, .. } => unified.as_deref(),
        }
    }

    /// The mount points of every hierarchy a container joins.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &Path> {
        let (v1, unified) = match self {
            Self::V2(point) => (&[][..], Some(point)),
            Self::V1 { controllers, unified } => (&controllers[..], unified.as_ref()),
        };
        v1.iter().map(|(_, point)| point.as_path()).chain(unified.map(PathBuf::as_path))
    }
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescape(point: &str) -> PathBuf {
    let mut path = String::with_capacity(point.len());
    let mut rest = point;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        path.push_str(plain);
        match escaped.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                path.push(char::from(byte));
                rest = &escaped[3..];
            }
            None => {
                path.push('\\');
                rest = escaped;
            }
        }
    }
    path.push_str(rest);
    path.into()
}

#[cfg(test)]
mod tests;
