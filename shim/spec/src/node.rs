//! Finds out what this machine can do; does I/O.

use std::{fs, io, path::Path};

use crate::{capabilities::CapabilitySet, input::NodeFacts};

/// Most files below /sys looked at: more processors than this make no difference to anybody.
const ENTRY_LIMIT: usize = 4096;

impl NodeFacts {
    /// Reads `/proc` and `/sys` of the running machine. Blocks, briefly; call it once, at start.
    ///
    /// # Errors
    /// When `/proc` is not readable. What is missing elsewhere is taken for a feature the machine lacks.
    pub fn detect() -> io::Result<Self> {
        Self::below(Path::new("/"))
    }

    /// As `detect`, of a machine whose root is there.
    fn below(root: &Path) -> io::Result<Self> {
        let read = |path: &str| fs::read_to_string(root.join(path));
        let yes = |path: &str| read(path).is_ok_and(|text| text.starts_with(['Y', '1']));
        let exists = |path: &str| root.join(path).exists();
        let status = read("proc/self/status")?;
        let release = read("proc/sys/kernel/osrelease")?;
        let uid_map = read("proc/self/uid_map").unwrap_or_default();
        let controllers = read("sys/fs/cgroup/cgroup.controllers").unwrap_or_default();
        let cgroup_v2 = controllers.split_whitespace().any(|controller| controller == "memory");
        Ok(Self {
            bounding: CapabilitySet(status_mask(&status, "CapBnd:")),
            cgroup_v2,
            // v2 has memory.swap.max wherever the kernel has swap at all; v1 needs an option at boot.
            swap_limit: if cgroup_v2 {
                exists("proc/swaps")
            } else {
                exists("sys/fs/cgroup/memory/memory.memsw.limit_in_bytes")
            },
            hugepage_sizes: hugepage_sizes(root, &controllers, cgroup_v2),
            apparmor: yes("sys/module/apparmor/parameters/enabled")
                && exists("sys/kernel/security/apparmor/profiles"),
            selinux: exists("sys/fs/selinux/enforce"),
            kernel: version(&release),
            hostname: read("proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned(),
            min_oom_score_adj: if whole_range(&uid_map) {
                -1000
            } else {
                own_score(&read("proc/self/oom_score_adj"))
            },
            cpu_throttle_dirs: throttle_dirs(root),
        })
    }
}

/// A hexadecimal mask of proc_pid_status(5).
fn status_mask(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    u64::from_str_radix(line.trim(), 16).unwrap_or_default()
}

/// "6.18.44-foo" is (6, 18).
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The first user namespace maps all ids to themselves.
fn whole_range(uid_map: &str) -> bool {
    uid_map.is_empty() || uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// Inside a user namespace nothing below the daemon's own score can be given.
fn own_score(text: &io::Result<String>) -> i32 {
    text.as_ref().ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// The sizes with a limit file, named as the OCI specification wants ("2MB"). The root of v2 has no limit files, so there
/// the kernel's own list of sizes counts.
fn hugepage_sizes(root: &Path, controllers: &str, cgroup_v2: bool) -> Vec<String> {
    let v2 = cgroup_v2 && controllers.split_whitespace().any(|controller| controller == "hugetlb");
    if !v2 && !root.join("sys/fs/cgroup/hugetlb").is_dir() {
        return Vec::new();
    }
    let mut sizes: Vec<u64> = names(&root.join("sys/kernel/mm/hugepages"))
        .iter()
        .filter_map(|name| name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok())
        .collect();
    sizes.sort_unstable();
    sizes.into_iter().map(size_name).collect()
}

/// Kibibytes as kubelet and the kernel's limit files name them.
fn size_name(kib: u64) -> String {
    match kib {
        kib if kib % (1 << 20) == 0 => format!("{}GB", kib >> 20),
        kib if kib % (1 << 10) == 0 => format!("{}MB", kib >> 10),
        kib => format!("{kib}KB"),
    }
}

fn throttle_dirs(root: &Path) -> Vec<String> {
    let cpus = "sys/devices/system/cpu";
    let mut dirs: Vec<String> = names(&root.join(cpus))
        .into_iter()
        .filter(|name| name.strip_prefix("cpu").is_some_and(|rest| rest.parse::<u32>().is_ok()))
        .map(|name| format!("{cpus}/{name}/thermal_throttle"))
        .filter(|dir| root.join(dir).is_dir())
        .map(|dir| format!("/{dir}"))
        .collect();
    dirs.sort();
    dirs
}

/// The names in a directory; none if it cannot be read.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().take(ENTRY_LIMIT);
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests;
