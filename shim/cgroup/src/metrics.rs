//! All that the kernel counts for a control group: for the node's metrics, where `stats` is what evictions need.
use std::path::PathBuf;

use crate::{error::Result, layout::Layout, manager::Manager};

mod block;
mod huge_pages;
mod pressure;
mod v1;
mod v2;

pub use block::BlockDevice;
pub use huge_pages::HugePages;
pub use pressure::{Pressure, Stall, Window};

/// One reading of everything. What this kernel or this hierarchy does not count is `None`, or missing from its list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Processor time and its limits.
    pub cpu: CpuMetrics,
    /// Memory and its limits.
    pub memory: MemoryMetrics,
    /// Processes and threads together.
    pub tasks: Option<u64>,
    /// How many of them there may be; `None` without a limit.
    pub tasks_limit: Option<u64>,
    /// Reads and writes, a device each.
    pub block: Vec<BlockDevice>,
    /// Huge pages, a size each.
    pub huge_pages: Vec<HugePages>,
    /// Time lost waiting.
    pub pressure: Pressure,
}

/// Processor time, in nanoseconds since the group was made, and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuMetrics {
    /// All of it.
    pub usage_ns: Option<u64>,
    /// Of it, in programs.
    pub user_ns: Option<u64>,
    /// Of it, in the kernel.
    pub system_ns: Option<u64>,
    /// Periods in which the group wanted to run.
    pub periods: Option<u64>,
    /// Of them, those in which it met its quota.
    pub throttled_periods: Option<u64>,
    /// Time it had to pause.
    pub throttled_ns: Option<u64>,
    /// Microseconds a period; `None` without a limit.
    pub quota_us: Option<u64>,
    /// Length of a period in microseconds.
    pub period_us: Option<u64>,
    /// Relative weight, 2 to 262144; 1024 is the usual.
    pub shares: Option<u64>,
}

/// Memory, in bytes, and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMetrics {
    /// All that is charged, page cache included.
    pub usage: Option<u64>,
    /// The most that ever was.
    pub max_usage: Option<u64>,
    /// Usage without inactive file pages.
    pub working_set: Option<u64>,
    /// Page cache.
    pub cache: Option<u64>,
    /// Anonymous memory.
    pub rss: Option<u64>,
    /// Files mapped into a process.
    pub mapped_file: Option<u64>,
    /// Swapped out.
    pub swap: Option<u64>,
    /// The kernel's own, on behalf of the group.
    pub kernel: Option<u64>,
    /// Times the limit was met.
    pub limit_hits: Option<u64>,
    /// Processes the kernel killed for it.
    pub oom_kills: Option<u64>,
    /// The limit; `None` without.
    pub limit: Option<u64>,
    /// What reclaim spares; `None` without.
    pub reservation: Option<u64>,
    /// The limit of memory and swap together; `None` without.
    pub swap_limit: Option<u64>,
    /// Of the group alone. v2 does not tell it from the groups below.
    pub own_faults: Faults,
    /// With the groups below.
    pub all_faults: Faults,
}

/// Page faults since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// All of them.
    pub any: Option<u64>,
    /// Those that needed the disk.
    pub major: Option<u64>,
}

impl Manager {
    /// One reading of everything the kernel counts for a group.
    ///
    /// # Errors
    /// A group that does not exist.
    pub fn metrics(&self, path: &str) -> Result<Metrics> {
        let dirs = Dirs::of(self, path)?;
        match self.layout() {
            Layout::V2(_) => v2::read(&dirs),
            Layout::V1 { .. } => v1::read(&dirs),
        }
    }

    /// Time the group's processes lost waiting; all `None` where the kernel does not count it.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn pressure(&self, path: &str) -> Result<Pressure> {
        Ok(pressure::read(&Dirs::of(self, path)?.unified))
    }

    /// How many bytes may be swapped out; `None` without a limit.
    ///
    /// # Errors
    /// A path with a component that is no name.
    pub fn swap_limit(&self, path: &str) -> Result<Option<u64>> {
        let dirs = Dirs::of(self, path)?;
        Ok(match self.layout() {
            Layout::V2(_) => v2::swap_limit(&dirs.unified),
            Layout::V1 { .. } => v1::swap_limit(&dirs.controller("memory")),
        })
    }
}

/// Where the files of a group are. A directory that does not exist has no files, which is all a reader needs to know.
#[derive(Debug)]
struct Dirs<'a> {
    layout: &'a Layout,
    relative: PathBuf,
    unified: PathBuf,
}

impl<'a> Dirs<'a> {
    fn of(manager: &'a Manager, path: &str) -> Result<Self> {
        let relative = crate::name::relative(path)?;
        let layout = manager.layout();
        let unified = match layout {
            Layout::V2(point) => point.join(&relative),
            Layout::V1 { unified, .. } => {
                unified.as_ref().map(|point| point.join(&relative)).unwrap_or_default()
            }
        };
        Ok(Self { layout, relative, unified })
    }

    fn controller(&self, controller: &str) -> PathBuf {
        self.layout.root_of(controller).map(|root| root.join(&self.relative)).unwrap_or_default()
    }
}

/// The value behind a key in a file of "key value" lines, where it is there.
fn field(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok())
}

#[cfg(test)]
mod tests;
