//! What several end-to-end tests need and the harness, which knows no expectations, does not have.

pub mod counting;

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use harness::{Failure, Node, Result, leftovers::cgroup_hierarchies};
use streaming::client::{Way, Wire};
use tonic::{Code, Status};

/// Fails unless the server refused with one of `codes` and its text has every one of `words`: the thing, the cause, the
/// way out.
///
/// # Errors
/// With what came instead.
#[track_caller]
pub fn refused<T: Debug>(result: Result<T, Status>, codes: &[Code], words: &[&str]) -> Result {
    match result {
        Ok(answer) => Err(Failure::new(format!("must be refused with {codes:?}, but: {answer:?}"))),
        Err(status) if !codes.contains(&status.code()) => Err(Failure::new(format!(
            "must be refused with {codes:?}, but {:?}: {}",
            status.code(),
            status.message()
        ))),
        Err(status) => {
            let missing: Vec<_> = words.iter().filter(|word| !status.message().contains(**word)).collect();
            if missing.is_empty() {
                return Ok(());
            }
            Err(Failure::new(format!("the refusal says nothing of {missing:?}: {}", status.message())))
        }
    }
}

/// The content of a file of a container's cgroup: the first name that exists in any hierarchy. Name the v2 file and the
/// v1 file.
///
/// # Errors
/// When no hierarchy has it.
#[track_caller]
pub fn cgroup_file(node: &Node, container: &str, names: &[&str]) -> Result<String> {
    Ok(fs::read_to_string(cgroup_path(node, container, names)?)?.trim().to_owned())
}

/// Where that file is.
///
/// # Errors
/// When no hierarchy has it.
#[track_caller]
pub fn cgroup_path(node: &Node, container: &str, names: &[&str]) -> Result<PathBuf> {
    let mut found = Vec::new();
    for hierarchy in cgroup_hierarchies()? {
        find(&hierarchy.join(node.slot.cgroup_root().trim_start_matches('/')), container, &mut found);
        find(&hierarchy.join(node.slot.slice()), container, &mut found);
    }
    let files = names.iter().flat_map(|name| found.iter().map(move |dir| dir.join(name)));
    files
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| Failure::new(format!("container {container}: no {names:?} in {found:?}")))
}

/// Directories whose name has the container's id.
fn find(dir: &Path, container: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if entry.file_name().to_string_lossy().contains(container) {
                found.push(path);
            } else {
                find(&path, container, found);
            }
        }
    }
}

/// Is the memory controller on cgroup v2?
///
/// # Errors
/// When procfs cannot be read.
pub fn is_cgroup_v2() -> Result<bool> {
    Ok(!fs::read_to_string("/proc/self/mounts")?.lines().any(|line| line.split(' ').nth(2) == Some("cgroup")))
}

/// The process id of a pod's monitor. The oracle lists processes as "process PID: berth-monitor POD".
///
/// # Errors
/// When there is none.
pub fn monitor_of(node: &Node, pod: &str) -> Result<i32> {
    let leftovers = node.leftovers()?;
    let line = leftovers.things().find(|thing| {
        thing.starts_with("process ") && thing.contains("berth-monitor") && thing.contains(pod)
    });
    let pid = line.and_then(|line| line.trim_start_matches("process ").split(':').next()?.parse().ok());
    pid.ok_or_else(|| Failure::new(format!("no monitor of pod {pod} in\n{leftovers}")))
}

/// Both wires of a streaming session.
pub fn ways() -> [Way; 2] {
    [Wire::Spdy, Wire::WebSocket].map(|wire| Way { wire, tls: None })
}
