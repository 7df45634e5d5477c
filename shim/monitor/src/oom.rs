//! Whether the kernel has killed something in a cgroup for want of memory.
use std::fs;

/// Reads v2's memory.events or v1's memory.oom_control, whichever of the cgroup's directories has it; both have
/// a line `oom_kill N`.
pub(crate) fn killed(cgroup_dirs: &[String]) -> bool {
    cgroup_dirs
        .iter()
        .flat_map(|dir| [format!("{dir}/memory.events"), format!("{dir}/memory.oom_control")])
        .filter_map(|path| fs::read_to_string(path).ok())
        .any(|text| count(&text) > 0)
}

fn count(text: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
