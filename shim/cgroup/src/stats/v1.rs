//! Reads a v1 group, in the hierarchies of its controllers.
use std::path::PathBuf;

use super::{Io, Reading, Stats, pressure};
use crate::{
    error::{Error, Result},
    files,
};

/// The group's directory in each hierarchy, where the node has it.
#[derive(Default)]
pub(crate) struct V1 {
    pub(crate) cpuacct: Option<PathBuf>,
    pub(crate) cpu: Option<PathBuf>,
    pub(crate) memory: Option<PathBuf>,
    pub(crate) pids: Option<PathBuf>,
    pub(crate) blkio: Option<PathBuf>,
    /// In a hybrid layout it has no controllers, but counts pressure.
    pub(crate) unified: Option<PathBuf>,
}

/// v1 says "no limit" with a number near the end of the range, rounded to pages.
const NO_LIMIT: u64 = 1 << 62;

impl V1 {
    pub(crate) fn read(&self, reading: Reading) -> Result<Stats> {
        let mut stats = Stats::default();
        if let Some(cpuacct) = &self.cpuacct {
            let path = cpuacct.join("cpuacct.usage");
            let text = files::read(&path)?;
            stats.cpu.usage_ns = text.trim().parse().map_err(|_| Error::Io {
                op: "parse",
                path,
                source: std::io::Error::from(std::io::ErrorKind::InvalidData),
            })?;
        }
        self.memory(&mut stats);
        stats.pids.current = number(&self.pids, "pids.current").unwrap_or(0);
        if reading == Reading::Full {
            self.rest(&mut stats);
        }
        Ok(stats)
    }

    fn memory(&self, stats: &mut Stats) {
        let memory = &mut stats.memory;
        memory.usage_bytes = number(&self.memory, "memory.usage_in_bytes").unwrap_or(0);
        let mut inactive_file = 0;
        // The lines with "total_" count the groups below too.
        for (key, value) in files::fields(&text(&self.memory, "memory.stat")) {
            match key {
                "total_rss" => memory.rss_bytes = value,
                "total_cache" => memory.cache_bytes = value,
                "total_mapped_file" => memory.mapped_file_bytes = value,
                "total_swap" => memory.swap_bytes = value,
                "total_inactive_file" => inactive_file = value,
                "total_pgfault" => memory.page_faults = value,
                "total_pgmajfault" => memory.major_page_faults = value,
                _ => {}
            }
        }
        memory.working_set_bytes = memory.usage_bytes.saturating_sub(inactive_file);
        memory.limit_bytes = limit(number(&self.memory, "memory.limit_in_bytes"));
    }

    fn rest(&self, stats: &mut Stats) {
        let cpu = &mut stats.cpu;
        cpu.user_ns = number(&self.cpuacct, "cpuacct.usage_user").unwrap_or(0);
        cpu.system_ns = number(&self.cpuacct, "cpuacct.usage_sys").unwrap_or(0);
        for (key, value) in files::fields(&text(&self.cpu, "cpu.stat")) {
            match key {
                "nr_periods" => cpu.periods = value,
                "nr_throttled" => cpu.throttled_periods = value,
                "throttled_time" => cpu.throttled_ns = value,
                _ => {}
            }
        }
        let memory = &mut stats.memory;
        let both = limit(number(&self.memory, "memory.memsw.limit_in_bytes"));
        memory.swap_limit_bytes = both.map(|both| both.saturating_sub(memory.limit_bytes.unwrap_or(0)));
        memory.kernel_bytes = number(&self.memory, "memory.kmem.usage_in_bytes").unwrap_or(0);
        memory.peak_bytes = number(&self.memory, "memory.max_usage_in_bytes").unwrap_or(0);
        memory.limit_hits = number(&self.memory, "memory.failcnt").unwrap_or(0);
        memory.oom_kills = oom_kills(&text(&self.memory, "memory.oom_control"));
        stats.pids.limit = number(&self.pids, "pids.max");
        stats.io = io(
            &text(&self.blkio, "blkio.throttle.io_service_bytes_recursive"),
            &text(&self.blkio, "blkio.throttle.io_serviced_recursive"),
        );
        if let Some(unified) = &self.unified {
            stats.cpu.pressure = pressure(&unified.join("cpu.pressure"));
            stats.memory.pressure = pressure(&unified.join("memory.pressure"));
            stats.io.pressure = pressure(&unified.join("io.pressure"));
        }
    }
}

fn text(dir: &Option<PathBuf>, file: &str) -> String {
    dir.as_ref().map(|dir| files::read_or_empty(&dir.join(file))).unwrap_or_default()
}

fn number(dir: &Option<PathBuf>, file: &str) -> Option<u64> {
    files::number(&dir.as_ref()?.join(file))
}

fn limit(value: Option<u64>) -> Option<u64> {
    value.filter(|limit| *limit < NO_LIMIT)
}

/// Of `memory.oom_control`, since Linux 4.13.
pub(crate) fn oom_kills(text: &str) -> u64 {
    files::fields(text).find(|(key, _)| *key == "oom_kill").map_or(0, |(_, value)| value)
}

/// Lines such as `8:0 Read 4096`, and a total at the end.
pub(super) fn io(bytes: &str, operations: &str) -> Io {
    let sum = |text: &str, wanted: &str| -> u64 {
        let value = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            let (_, operation, value) = (words.next()?, words.next()?, words.next()?);
            if operation == wanted { value.parse::<u64>().ok() } else { None }
        };
        text.lines().filter_map(value).sum()
    };
    Io {
        read_bytes: sum(bytes, "Read"),
        write_bytes: sum(bytes, "Write"),
        reads: sum(operations, "Read"),
        writes: sum(operations, "Write"),
        pressure: None,
    }
}
