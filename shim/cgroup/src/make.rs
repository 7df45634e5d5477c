//! Makes the directories of a group, so that its control files are there and take values.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    files,
};

/// The controllers a container is limited by on v2.
const V2_CONTROLLERS: [&str; 6] = ["cpu", "cpuset", "io", "memory", "pids", "hugetlb"];

/// What a directory needs once it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    None,
    /// A new v1 cpuset has no processors and no memory nodes, and takes no process until it has.
    Cpuset,
}

/// Makes `relative` below `root`, with the parents it lacks. True if it was not there before.
pub(crate) fn directory(root: &Path, relative: &Path, care: Care) -> Result<bool> {
    let dir = root.join(relative);
    let made = match fs::create_dir(&dir) {
        Ok(()) => true,
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => false,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let Some(parent) = relative.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
                return Err(failed(dir, source));
            };
            directory(root, parent, care)?;
            match fs::create_dir(&dir) {
                Ok(()) => true,
                // Somebody else was faster.
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => false,
                Err(source) => return Err(failed(dir, source)),
            }
        }
        Err(source) => return Err(failed(dir, source)),
    };
    if care == Care::Cpuset {
        inherit_cpuset(root, relative)?;
    }
    Ok(made)
}

fn failed(path: PathBuf, source: io::Error) -> Error {
    Error::Io { op: "make", path, source }
}

/// Gives a cpuset what its parent has, if it has none of its own. The parent may be as empty.
fn inherit_cpuset(root: &Path, relative: &Path) -> Result<()> {
    let dir = root.join(relative);
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if !files::read(&dir.join(file))?.trim().is_empty() {
            continue;
        }
        let parent = relative.parent().unwrap_or(Path::new(""));
        let mut held = files::read(&root.join(parent).join(file))?;
        if held.trim().is_empty() && !parent.as_os_str().is_empty() {
            inherit_cpuset(root, parent)?;
            held = files::read(&root.join(parent).join(file))?;
        }
        files::write(&dir.join(file), held.trim())?;
    }
    Ok(())
}

/// Hands the controllers of v2 down to `relative`, whose control files exist only then.
///
/// What a parent cannot hand down (it has processes of its own, or lacks the controller) stays away; a limit that
/// needs it says so when it is set.
pub(crate) fn hand_down_controllers(root: &Path, relative: &Path) {
    let has = |dir: &Path, file: &str, controller: &str, held: &mut Option<String>| {
        let text = held.get_or_insert_with(|| files::read_or_empty(&dir.join(file)));
        text.split_ascii_whitespace().any(|name| name == controller)
    };
    let top = files::read_or_empty(&root.join("cgroup.controllers"));
    let wanted: Vec<&str> = V2_CONTROLLERS
        .into_iter()
        .filter(|wanted| top.split_ascii_whitespace().any(|name| name == *wanted))
        .collect();
    // Mostly the parent has had a child before.
    let (leaf, mut held) = (root.join(relative), None);
    if wanted.iter().all(|controller| has(&leaf, "cgroup.controllers", controller, &mut held)) {
        return;
    }
    let mut dir = root.to_owned();
    for part in relative {
        let (file, mut held) = (dir.join("cgroup.subtree_control"), None);
        let lacking: Vec<String> = wanted
            .iter()
            .filter(|controller| !has(&dir, "cgroup.subtree_control", controller, &mut held))
            .map(|controller| format!("+{controller}"))
            .collect();
        // All in one write, or as many as go one by one.
        if !lacking.is_empty() && files::write(&file, &lacking.join(" ")).is_err() {
            for controller in &lacking {
                let _ = files::write(&file, controller);
            }
        }
        dir.push(part);
    }
}
