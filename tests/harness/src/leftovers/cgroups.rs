//! Cgroups below one name, in every hierarchy that is mounted.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Doing, Result};

pub(super) fn list(root: &str) -> Result<Vec<String>> {
    Ok(directories(root)?.into_iter().map(|dir| format!("cgroup {}", dir.display())).collect())
}

/// Directories of the cgroup `root` and of those below it, deepest first, in every hierarchy.
///
/// # Errors
/// When the mount table cannot be read.
pub fn directories(root: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for hierarchy in hierarchies()? {
        walk(&hierarchy.join(root.trim_start_matches('/')), &mut found);
    }
    Ok(found)
}

/// Where cgroup file systems are mounted, v1 and v2.
///
/// # Errors
/// When the mount table cannot be read.
pub fn hierarchies() -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mounts").doing(|| "read the mount table".to_owned())?;
    let mounts = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    Ok(mounts
        .filter(|fields| fields.get(2).is_some_and(|kind| kind.starts_with("cgroup")))
        .map(|fields| fields[1].into())
        .collect())
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        walk(&entry.path(), found);
    }
    found.push(dir.to_owned());
}
