//! Reads a v2 group.
use std::path::Path;

use super::Stats;
use crate::{error::Result, files};

pub(crate) fn read(dir: &Path) -> Result<Stats> {
    let mut stats = Stats::default();
    let number = |file: &str| files::number(&dir.join(file));
    // Of every group, whatever its controllers; so its absence means there is no group.
    for (key, value) in files::fields(&files::read(&dir.join("cpu.stat"))?) {
        if key == "usage_usec" {
            stats.cpu.usage_ns = value * 1000;
        }
    }
    let memory = &mut stats.memory;
    memory.usage_bytes = number("memory.current").unwrap_or(0);
    let mut inactive_file = 0;
    for (key, value) in files::fields(&files::read_or_empty(&dir.join("memory.stat"))) {
        match key {
            "anon" => memory.rss_bytes = value,
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
    Ok(stats)
}
