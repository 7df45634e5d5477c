//! Metrics from the hierarchies of v1, and pressure from the v2 hierarchy beside them.
use std::path::Path;

use super::{CpuMetrics, Dirs, Faults, MemoryMetrics, Metrics, block, field, huge_pages, pressure};
use crate::{error::Result, files, stats::NO_LIMIT};

pub(super) fn read(dirs: &Dirs<'_>) -> Result<Metrics> {
    let pids = dirs.controller("pids");
    Ok(Metrics {
        cpu: cpu(&dirs.controller("cpu"), &dirs.controller("cpuacct"))?,
        memory: memory(&dirs.controller("memory")),
        tasks: files::number(&pids.join("pids.current")),
        tasks_limit: files::number(&pids.join("pids.max")),
        block: block::v1(&dirs.controller("blkio")),
        huge_pages: huge_pages::v1(&dirs.controller("hugetlb")),
        pressure: pressure::read(&dirs.unified),
    })
}

fn cpu(cpu: &Path, cpuacct: &Path) -> Result<CpuMetrics> {
    // This one is on every node: if it is missing, so is the group.
    let usage = files::read(&cpuacct.join("cpuacct.usage"))?;
    let stat = files::read_or_empty(&cpu.join("cpu.stat"));
    Ok(CpuMetrics {
        usage_ns: usage.trim().parse().ok(),
        user_ns: files::number(&cpuacct.join("cpuacct.usage_user")),
        system_ns: files::number(&cpuacct.join("cpuacct.usage_sys")),
        periods: field(&stat, "nr_periods"),
        throttled_periods: field(&stat, "nr_throttled"),
        throttled_ns: field(&stat, "throttled_time"),
        // -1, which is no number of ours, says that there is no limit.
        quota_us: files::number(&cpu.join("cpu.cfs_quota_us")),
        period_us: files::number(&cpu.join("cpu.cfs_period_us")),
        shares: files::number(&cpu.join("cpu.shares")),
    })
}

fn memory(dir: &Path) -> MemoryMetrics {
    let number = |file: &str| files::number(&dir.join(file));
    let limit = |file: &str| limit(dir, file);
    let stat = files::read_or_empty(&dir.join("memory.stat"));
    let usage = number("memory.usage_in_bytes");
    let inactive = field(&stat, "total_inactive_file").unwrap_or(0);
    MemoryMetrics {
        usage,
        max_usage: number("memory.max_usage_in_bytes"),
        working_set: usage.map(|usage| usage.saturating_sub(inactive)),
        cache: field(&stat, "total_cache"),
        rss: field(&stat, "total_rss"),
        mapped_file: field(&stat, "total_mapped_file"),
        swap: field(&stat, "total_swap"),
        kernel: number("memory.kmem.usage_in_bytes"),
        limit_hits: number("memory.failcnt"),
        oom_kills: field(&files::read_or_empty(&dir.join("memory.oom_control")), "oom_kill"),
        limit: limit("memory.limit_in_bytes"),
        reservation: limit("memory.soft_limit_in_bytes"),
        swap_limit: limit("memory.memsw.limit_in_bytes"),
        own_faults: Faults { any: field(&stat, "pgfault"), major: field(&stat, "pgmajfault") },
        all_faults: Faults { any: field(&stat, "total_pgfault"), major: field(&stat, "total_pgmajfault") },
    }
}

fn limit(dir: &Path, file: &str) -> Option<u64> {
    files::number(&dir.join(file)).filter(|limit| *limit < NO_LIMIT)
}

/// v1 limits memory and swap together; the difference is what is sure to be there for swap.
pub(super) fn swap_limit(dir: &Path) -> Option<u64> {
    let both = limit(dir, "memory.memsw.limit_in_bytes")?;
    Some(both.saturating_sub(limit(dir, "memory.limit_in_bytes")?))
}
