//! Metrics from the one directory a group has on v2.
use std::path::Path;

use super::{CpuMetrics, Dirs, Faults, MemoryMetrics, Metrics, block, field, huge_pages, pressure};
use crate::{error::Result, files, limits};

pub(super) fn read(dirs: &Dirs<'_>) -> Result<Metrics> {
    let dir = &dirs.unified;
    Ok(Metrics {
        cpu: cpu(dir)?,
        memory: memory(dir),
        tasks: files::number(&dir.join("pids.current")),
        tasks_limit: files::number(&dir.join("pids.max")),
        block: block::v2(dir),
        huge_pages: huge_pages::v2(dir),
        pressure: pressure::read(dir),
    })
}

fn cpu(dir: &Path) -> Result<CpuMetrics> {
    // There with every controller and without: if it is missing, so is the group.
    let stat = files::read(&dir.join("cpu.stat"))?;
    let ns = |key| field(&stat, key).map(|us| us.saturating_mul(1000));
    let max = files::read_or_empty(&dir.join("cpu.max"));
    let mut max = max.split_whitespace().map(|word| word.parse().ok());
    Ok(CpuMetrics {
        usage_ns: ns("usage_usec"),
        user_ns: ns("user_usec"),
        system_ns: ns("system_usec"),
        periods: field(&stat, "nr_periods"),
        throttled_periods: field(&stat, "nr_throttled"),
        throttled_ns: ns("throttled_usec"),
        quota_us: max.next().flatten(),
        period_us: max.next().flatten(),
        shares: files::number(&dir.join("cpu.weight")).map(limits::cpu_shares),
    })
}

fn memory(dir: &Path) -> MemoryMetrics {
    let number = |file: &str| files::number(&dir.join(file));
    let stat = files::read_or_empty(&dir.join("memory.stat"));
    let events = files::read_or_empty(&dir.join("memory.events"));
    let usage = number("memory.current");
    let inactive = field(&stat, "inactive_file").unwrap_or(0);
    let limit = number("memory.max");
    let faults = Faults { any: field(&stat, "pgfault"), major: field(&stat, "pgmajfault") };
    MemoryMetrics {
        usage,
        max_usage: number("memory.peak"),
        working_set: usage.map(|usage| usage.saturating_sub(inactive)),
        cache: field(&stat, "file"),
        rss: field(&stat, "anon"),
        mapped_file: field(&stat, "file_mapped"),
        swap: number("memory.swap.current"),
        // Since Linux 5.18.
        kernel: field(&stat, "kernel"),
        limit_hits: field(&events, "max"),
        oom_kills: field(&events, "oom_kill"),
        limit,
        reservation: number("memory.low").filter(|low| *low > 0),
        // v2 limits swap alone.
        swap_limit: limit.zip(swap_limit(dir)).map(|(memory, swap)| memory.saturating_add(swap)),
        own_faults: faults,
        all_faults: faults,
    }
}

pub(super) fn swap_limit(dir: &Path) -> Option<u64> {
    files::number(&dir.join("memory.swap.max"))
}
