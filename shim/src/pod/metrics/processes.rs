//! Processes of a container, their descriptors and limits.
use std::{fs, io::Read, path::Path};

use cgroup::metrics::Metrics;

use super::{samples::Samples, table as metric};

/// Descriptors looked at one by one in a container: more only make a container's metrics slow, and it decides how many it has.
const LOOKED_AT: usize = 1 << 14;
/// /proc/<pid>/limits has sixteen lines.
const LIMITS_SIZE: u64 = 1 << 13;

/// `first` is the container's first process.
pub(super) fn add(samples: &mut Samples, read: &Metrics, pids: &[i32], first: i32) {
    samples.add(metric::PROCESSES, &[], count(pids.len()));
    samples.plain(metric::THREADS, read.tasks);
    if read.tasks.is_some() {
        samples.add(metric::THREADS_MAX, &[], read.tasks_limit.unwrap_or(0));
    }
    let descriptors = descriptors(pids);
    samples.add(metric::FILE_DESCRIPTORS, &[], descriptors.all);
    samples.add(metric::SOCKETS, &[], descriptors.sockets);
    if let Some(limit) = open_files_limit(first) {
        samples.add(metric::ULIMITS_SOFT, &["max_open_files"], limit);
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Descriptors {
    pub(super) all: u64,
    pub(super) sockets: u64,
}

/// What processes have open; one that ends meanwhile has nothing.
pub(super) fn descriptors(pids: &[i32]) -> Descriptors {
    let mut found = Descriptors::default();
    let mut left = LOOKED_AT;
    for pid in pids {
        let directory = format!("/proc/{pid}/fd");
        let seen = sockets(Path::new(&directory), left, &mut found.sockets);
        left -= seen;
        // Since Linux 6.2 the size of the directory is their number.
        let told = fs::metadata(&directory).map(|metadata| metadata.len()).unwrap_or(0);
        found.all += told.max(count(seen));
    }
    found
}

/// Adds to `sockets` and returns how many descriptors it looked at.
fn sockets(directory: &Path, most: usize, sockets: &mut u64) -> usize {
    let mut seen = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten().take(most) {
        seen += 1;
        let target = fs::read_link(entry.path());
        let is_socket =
            target.is_ok_and(|target| target.as_os_str().as_encoded_bytes().starts_with(b"socket:"));
        *sockets += u64::from(is_socket);
    }
    seen
}

fn open_files_limit(pid: i32) -> Option<u64> {
    let mut text = String::new();
    fs::File::open(format!("/proc/{pid}/limits")).ok()?.take(LIMITS_SIZE).read_to_string(&mut text).ok()?;
    soft_limit(&text, "Max open files")
}

/// Of the text of a limits file; `None` for "unlimited".
pub(super) fn soft_limit(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
