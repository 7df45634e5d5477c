//! What kubelet prepares for a pod before it asks for it: a cgroup and a directory for logs.
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cgroupfs::{Hierarchy, Kind, accounting};

#[cfg(test)]
mod tests;

/// How the directories of a run begin, so that those of a killed run can be found.
pub(crate) const RUN_PREFIX: &str = "berth-bench-";

/// Where the pods of one endpoint stand. Nothing of it outlives the run.
#[derive(Debug)]
pub(crate) struct Ground {
    /// As CRI wants it; empty if the runtime is to choose.
    cgroup_parent: String,
    logs: PathBuf,
    hierarchies: Vec<Hierarchy>,
    /// Groups that were not there before, uppermost first.
    made: Vec<PathBuf>,
}

impl Ground {
    /// Below `parent` and `logs`, both of which are shared with other endpoints, in a directory `name`.
    pub(crate) fn make(parent: &str, logs: &Path, name: &str, all: &[Hierarchy]) -> Result<Self> {
        // systemd makes slices itself, when the first scope appears in one.
        let ours = !parent.is_empty() && !parent.ends_with(".slice");
        let mut ground = Self {
            cgroup_parent: if ours {
                format!("{}/{name}", parent.trim_end_matches('/'))
            } else {
                parent.to_owned()
            },
            logs: logs.join(name),
            hierarchies: if ours { all.to_vec() } else { Vec::new() },
            made: Vec::new(),
        };
        fs::create_dir_all(&ground.logs).with_context(|| format!("create {}", ground.logs.display()))?;
        for hierarchy in &ground.hierarchies {
            ground.made.append(&mut make_group(hierarchy, &ground.cgroup_parent)?);
        }
        Ok(ground)
    }

    /// The cgroup parent and log directory of a pod.
    pub(crate) fn prepare(&self, pod: &str) -> Result<(String, PathBuf)> {
        let logs = self.logs.join(pod);
        fs::create_dir_all(logs.join("main")).with_context(|| format!("create {}", logs.display()))?;
        if self.hierarchies.is_empty() {
            return Ok((self.cgroup_parent.clone(), logs));
        }
        let group = format!("{}/{pod}", self.cgroup_parent);
        for hierarchy in &self.hierarchies {
            make_group(hierarchy, &group)?;
        }
        Ok((group, logs))
    }

    /// Kubelet cleans up after the pod, too. What cannot be removed now is left to `drop_all`.
    pub(crate) fn clear(&self, pod: &str) {
        let _ = fs::remove_dir_all(self.logs.join(pod));
        for hierarchy in &self.hierarchies {
            remove_groups(&hierarchy.group(&self.cgroup_parent).join(pod));
        }
    }

    /// The group that counts the CPU time of all pods.
    pub(crate) fn accounting_group(&self) -> Option<PathBuf> {
        Some(accounting(&self.hierarchies)?.group(&self.cgroup_parent))
    }

    /// Sites are to be dropped in reverse, since later ones may stand in directories that the first has made.
    pub(crate) fn drop_all(&self) {
        let _ = fs::remove_dir_all(&self.logs);
        let _ = self.logs.parent().map(fs::remove_dir);
        for group in self.made.iter().rev() {
            remove_groups(group);
        }
    }
}

/// Removes what killed runs have left below `parent` and `logs`: the directories called after a run.
pub(crate) fn clean(parent: &str, logs: &Path, all: &[Hierarchy]) {
    for logs in named_after_runs(logs) {
        let _ = fs::remove_dir_all(logs);
    }
    for hierarchy in all {
        for group in named_after_runs(&hierarchy.group(parent)) {
            remove_groups(&group);
        }
    }
}

fn named_after_runs(above: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(RUN_PREFIX));
    ours.map(|entry| entry.path()).collect()
}

/// Makes a group with all above it, and returns those that were not there.
fn make_group(hierarchy: &Hierarchy, path: &str) -> Result<Vec<PathBuf>> {
    let mut made = Vec::new();
    let mut group = hierarchy.mount.clone();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let above = group.clone();
        group.push(name);
        if hierarchy.kind == Kind::V2 {
            delegate(&above);
        }
        match fs::create_dir(&group) {
            Ok(()) => {
                made.push(group.clone());
                if hierarchy.has("cpuset") {
                    inherit_cpuset(&above, &group)?;
                }
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("create {}", group.display())),
        }
    }
    Ok(made)
}

/// In v1 a new group has no CPUs, and nothing can run in it.
fn inherit_cpuset(above: &Path, group: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let set =
            fs::read(above.join(file)).with_context(|| format!("read {file} of {}", above.display()))?;
        fs::write(group.join(file), set).with_context(|| format!("write {file} of {}", group.display()))?;
    }
    Ok(())
}

/// In v2 children have the controllers that their parent passes on. One that cannot be passed on is done without.
fn delegate(above: &Path) {
    let controllers = fs::read_to_string(above.join("cgroup.controllers")).unwrap_or_default();
    for controller in controllers.split_whitespace() {
        let _ = fs::write(above.join("cgroup.subtree_control"), format!("+{controller}"));
    }
}

/// Groups have files that cannot be deleted, so only directories are.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}
