//! What a control group has used.
use std::path::Path;

use crate::{error::Result, files};

/// One reading of a control group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Processes.
    pub pids: Pids,
}

/// Processor time, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// All of it.
    pub usage_ns: u64,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that is charged, page cache included.
    pub usage_bytes: u64,
    /// Usage without inactive file pages: what kubelet evicts by.
    pub working_set_bytes: u64,
    /// Anonymous memory.
    pub rss_bytes: u64,
    /// Swapped out.
    pub swap_bytes: u64,
    /// The limit, if there is one.
    pub limit_bytes: Option<u64>,
    /// Since the group was made.
    pub page_faults: u64,
    /// Those that needed the disk.
    pub major_page_faults: u64,
}

/// Processes and threads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pids {
    /// Now.
    pub current: u64,
}

/// v1 says "no limit" with a number near the end of the range, rounded to pages.
const NO_LIMIT: u64 = 1 << 62;

/// Reads the files of a v2 group.
pub(crate) fn v2(dir: &Path) -> Result<Stats> {
    let cpu = files::read(&dir.join("cpu.stat"))?;
    let memory = files::read(&dir.join("memory.stat")).unwrap_or_default();
    let usage = files::number(&dir.join("memory.current")).unwrap_or(0);
    Ok(Stats {
        cpu: Cpu { usage_ns: files::field(&cpu, "usage_usec") * 1000 },
        memory: Memory {
            usage_bytes: usage,
            working_set_bytes: usage.saturating_sub(files::field(&memory, "inactive_file")),
            rss_bytes: files::field(&memory, "anon"),
            swap_bytes: files::number(&dir.join("memory.swap.current")).unwrap_or(0),
            limit_bytes: files::number(&dir.join("memory.max")),
            page_faults: files::field(&memory, "pgfault"),
            major_page_faults: files::field(&memory, "pgmajfault"),
        },
        pids: Pids { current: files::number(&dir.join("pids.current")).unwrap_or(0) },
    })
}

/// Reads the files of a v1 group, in the hierarchies of three controllers.
pub(crate) fn v1(cpuacct: &Path, memory: &Path, pids: &Path) -> Result<Stats> {
    let usage_ns = files::read(&cpuacct.join("cpuacct.usage"))?.trim().parse().unwrap_or(0);
    let stat = files::read(&memory.join("memory.stat")).unwrap_or_default();
    let usage = files::number(&memory.join("memory.usage_in_bytes")).unwrap_or(0);
    Ok(Stats {
        cpu: Cpu { usage_ns },
        memory: Memory {
            usage_bytes: usage,
            working_set_bytes: usage.saturating_sub(files::field(&stat, "total_inactive_file")),
            rss_bytes: files::field(&stat, "total_rss"),
            swap_bytes: files::field(&stat, "total_swap"),
            limit_bytes: files::number(&memory.join("memory.limit_in_bytes"))
                .filter(|limit| *limit < NO_LIMIT),
            page_faults: files::field(&stat, "total_pgfault"),
            major_page_faults: files::field(&stat, "total_pgmajfault"),
        },
        pids: Pids { current: files::number(&pids.join("pids.current")).unwrap_or(0) },
    })
}
