//! What a control group has used, in units that are the same on v1 and v2: what CRI's container statistics want, in as
//! few reads as that takes. `metrics` reads the rest.
mod v1;
mod v2;

pub(crate) use v1::{NO_LIMIT, V1, oom_kills};
pub(crate) use v2::read as v2;

/// One reading of a control group and all below it. What this kernel or layout does not count is zero or `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Processes.
    pub pids: Pids,
}

/// Processor time, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    /// All of it.
    pub usage_ns: u64,
}

/// Memory, in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pids {
    /// Now.
    pub current: u64,
}

#[cfg(test)]
mod tests;
