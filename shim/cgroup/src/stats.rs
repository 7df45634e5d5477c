//! What a control group has used.

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
