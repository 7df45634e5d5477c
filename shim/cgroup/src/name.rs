//! Paths of control groups: checked once, so that no component ever climbs or names a control file.
use std::path::PathBuf;

use crate::error::{Error, Result};

/// NAME_MAX.
const COMPONENT_MAX: usize = 255;
/// The kernel takes longer ones, but no path as a whole may pass PATH_MAX, file name and mount point included.
const PATH_MAX: usize = 3000;

/// The path below the hierarchies' roots.
pub(crate) fn relative(path: &str) -> Result<PathBuf> {
    let refuse = |why| Err(Error::Path { path: path.chars().take(COMPONENT_MAX).collect(), why });
    if path.len() > PATH_MAX {
        return refuse("it is longer than 3000 bytes");
    }
    let mut relative = PathBuf::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." {
            return refuse("it climbs");
        }
        if part.len() > COMPONENT_MAX {
            return refuse("a component is longer than 255 bytes");
        }
        // What systemd and kubelet make of names, its escapes ("\x2d") included.
        if !part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@+=,~\\".contains(&byte)) {
            return refuse("a component has a character that is none of a-z A-Z 0-9 - _ . : @ + = , ~ \\");
        }
        if is_control_file(part) {
            return refuse("a component is named like a control file");
        }
        relative.push(part);
    }
    if relative.as_os_str().is_empty() {
        return refuse("it names the root of the hierarchy");
    }
    Ok(relative)
}

/// The kernel's own files are all `<controller>.<file>`, and a directory of that name would hide none, but confuse.
fn is_control_file(part: &str) -> bool {
    let controller = part.split('.').next().unwrap_or("");
    let known = [
        "cgroup", "cpu", "cpuacct", "cpuset", "memory", "io", "blkio", "pids", "devices", "freezer",
        "hugetlb",
    ];
    (part.contains('.') && known.contains(&controller))
        || ["tasks", "notify_on_release", "release_agent"].contains(&part)
}

#[cfg(test)]
mod tests;
