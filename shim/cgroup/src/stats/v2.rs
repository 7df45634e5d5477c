//! Reads a v2 group.
use std::path::Path;

use super::{Io, Reading, Stats, pressure};
use crate::{error::Result, files};

pub(super) fn read(dir: &Path, reading: Reading) -> Result<Stats> {
    let mut stats = Stats::default();
    let number = |file: &str| files::number(&dir.join(file));
    // Of every group, whatever its controllers; so its absence means there is no group.
    for (key, value) in files::fields(&files::read(&dir.join("cpu.stat"))?) {
        let cpu = &mut stats.cpu;
        match key {
            "usage_usec" => cpu.usage_ns = value * 1000,
            "user_usec" => cpu.user_ns = value * 1000,
            "system_usec" => cpu.system_ns = value * 1000,
            "nr_periods" => cpu.periods = value,
            "nr_throttled" => cpu.throttled_periods = value,
            "throttled_usec" => cpu.throttled_ns = value * 1000,
            _ => {}
        }
    }
    let memory = &mut stats.memory;
    memory.usage_bytes = number("memory.current").unwrap_or(0);
    let mut inactive_file = 0;
    for (key, value) in files::fields(&files::read_or_empty(&dir.join("memory.stat"))) {
        match key {
            "anon" => memory.rss_bytes = value,
            "file" => memory.cache_bytes = value,
            "file_mapped" => memory.mapped_file_bytes = value,
            "kernel" => memory.kernel_bytes = value,
            "inactive_file" => inactive_file = value,
            "pgfault" => memory.page_faults = value,
            "pgmajfault" => memory.major_page_faults = value,
            _ => {}
        }
    }
    memory.working_set_bytes = memory.usage_bytes.saturating_sub(inactive_file);
    memory.limit_bytes = number("memory.max");
    memory.swap_bytes = number("memory.swap.current").unwrap_or(0);
    stats.pids.current = number("pids.current").unwrap_or(0);
    if reading == Reading::Full {
        memory.swap_limit_bytes = number("memory.swap.max");
        memory.peak_bytes = number("memory.peak").unwrap_or(0);
        for (key, value) in files::fields(&files::read_or_empty(&dir.join("memory.events"))) {
            match key {
                "max" => memory.limit_hits = value,
                "oom_kill" => memory.oom_kills = value,
                _ => {}
            }
        }
        memory.pressure = pressure(&dir.join("memory.pressure"));
        stats.cpu.pressure = pressure(&dir.join("cpu.pressure"));
        stats.pids.limit = number("pids.max");
        stats.io = io(&files::read_or_empty(&dir.join("io.stat")));
        stats.io.pressure = pressure(&dir.join("io.pressure"));
    }
    Ok(stats)
}

/// Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
pub(super) fn io(text: &str) -> Io {
    let mut io = Io::default();
    for (key, value) in text.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
        let value: u64 = value.parse().unwrap_or(0);
        match key {
            "rbytes" => io.read_bytes += value,
            "wbytes" => io.write_bytes += value,
            "rios" => io.reads += value,
            "wios" => io.writes += value,
            _ => {}
        }
    }
    io
}
