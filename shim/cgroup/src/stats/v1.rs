//! Reads a v1 group, in the hierarchies of its controllers.
use std::path::PathBuf;

use super::Stats;
use crate::{
    error::{Error, Result},
    files,
};

/// The group's directory in each hierarchy, where the node has it.
#[derive(Default)]
pub(crate) struct V1 {
    pub(crate) cpuacct: Option<PathBuf>,
    pub(crate) memory: Option<PathBuf>,
    pub(crate) pids: Option<PathBuf>,
}

/// v1 says "no limit" with a number near the end of the range, rounded to pages.
pub(crate) const NO_LIMIT: u64 = 1 << 62;

impl V1 {
    pub(crate) fn read(&self) -> Result<Stats> {
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
                "total_swap" => memory.swap_bytes = value,
                "total_inactive_file" => inactive_file = value,
                "total_pgfault" => memory.page_faults = value,
                "total_pgmajfault" => memory.major_page_faults = value,
                _ => {}
            }
        }
        memory.working_set_bytes = memory.usage_bytes.saturating_sub(inactive_file);
        memory.limit_bytes = number(&self.memory, "memory.limit_in_bytes").filter(|limit| *limit < NO_LIMIT);
    }
}

fn text(dir: &Option<PathBuf>, file: &str) -> String {
    dir.as_ref().map(|dir| files::read_or_empty(&dir.join(file))).unwrap_or_default()
}

fn number(dir: &Option<PathBuf>, file: &str) -> Option<u64> {
    files::number(&dir.as_ref()?.join(file))
}

/// Of `memory.oom_control`, since Linux 4.13.
pub(crate) fn oom_kills(text: &str) -> u64 {
    files::fields(text).find(|(key, _)| *key == "oom_kill").map_or(0, |(_, value)| value)
}
