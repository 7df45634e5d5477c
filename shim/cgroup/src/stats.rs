//! What a control group has used, in units that are the same on v1 and v2.
use std::path::Path;

use crate::{error::Result, files};

mod v1;
mod v2;

pub(crate) use v1::{V1, oom_kills};

/// One reading of a control group and all below it. What this kernel or layout does not count is zero or `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Processor time.
    pub cpu: Cpu,
    /// Memory.
    pub memory: Memory,
    /// Processes.
    pub pids: Pids,
    /// Block devices; only in a full reading.
    pub io: Io,
}

/// Processor time, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    /// All of it.
    pub usage_ns: u64,
    /// In user mode. This and what follows only in a full reading.
    pub user_ns: u64,
    /// In the kernel.
    pub system_ns: u64,
    /// Periods of the quota in which something ran.
    pub periods: u64,
    /// Those of them in which it had to stop.
    pub throttled_periods: u64,
    /// For how long.
    pub throttled_ns: u64,
    /// Who waited for a processor.
    pub pressure: Option<Pressure>,
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
    /// Page cache.
    pub cache_bytes: u64,
    /// Files mapped into processes.
    pub mapped_file_bytes: u64,
    /// Swapped out.
    pub swap_bytes: u64,
    /// The limit, if there is one.
    pub limit_bytes: Option<u64>,
    /// Since the group was made.
    pub page_faults: u64,
    /// Those that needed the disk.
    pub major_page_faults: u64,
    /// The limit of swap alone, if there is one. This and what follows only in a full reading.
    pub swap_limit_bytes: Option<u64>,
    /// Of the kernel's own structures.
    pub kernel_bytes: u64,
    /// The highest usage ever.
    pub peak_bytes: u64,
    /// How often the limit was hit.
    pub limit_hits: u64,
    /// Processes the kernel killed for want of memory.
    pub oom_kills: u64,
    /// Who waited for memory.
    pub pressure: Option<Pressure>,
}

/// Processes and threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pids {
    /// Now.
    pub current: u64,
    /// The limit, if there is one; only in a full reading.
    pub limit: Option<u64>,
}

/// Sums over all block devices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Io {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub write_bytes: u64,
    /// Read operations.
    pub reads: u64,
    /// Write operations.
    pub writes: u64,
    /// Who waited for a device.
    pub pressure: Option<Pressure>,
}

/// Pressure stall information of one resource (the kernel's accounting/psi.rst).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pressure {
    /// At least one task waited.
    pub some: Stall,
    /// All tasks waited.
    pub full: Stall,
}

/// For how long tasks waited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stall {
    /// Percent of the last ten seconds.
    pub avg10: f64,
    /// Percent of the last minute.
    pub avg60: f64,
    /// Percent of the last five minutes.
    pub avg300: f64,
    /// Microseconds since the group was made.
    pub total_us: u64,
}

/// How much to read. Each file costs some microseconds, and a node has hundreds of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// What CRI's container statistics want.
    Usual,
    Full,
}

/// Reads the files of a v2 group.
pub(crate) fn v2(dir: &Path, reading: Reading) -> Result<Stats> {
    v2::read(dir, reading)
}

/// Reads a file `<resource>.pressure` of a v2 group; `None` on a kernel without it, or started without `psi=1`.
pub(crate) fn pressure(path: &Path) -> Option<Pressure> {
    parse_pressure(&files::read(path).ok()?)
}

fn parse_pressure(text: &str) -> Option<Pressure> {
    let mut pressure = Pressure::default();
    for line in text.lines() {
        let mut words = line.split(' ');
        let stall = match words.next()? {
            "some" => &mut pressure.some,
            "full" => &mut pressure.full,
            _ => continue,
        };
        for word in words {
            match word.split_once('=')? {
                ("avg10", value) => stall.avg10 = value.parse().ok()?,
                ("avg60", value) => stall.avg60 = value.parse().ok()?,
                ("avg300", value) => stall.avg300 = value.parse().ok()?,
                ("total", value) => stall.total_us = value.parse().ok()?,
                _ => {}
            }
        }
    }
    Some(pressure)
}

#[cfg(test)]
mod tests;
