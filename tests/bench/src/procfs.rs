//! Reads /proc: processes, their CPU time and memory, and how busy the machine is.
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

#[cfg(test)]
mod tests;

/// The kernel counts CPU time for user space in hundredths of a second on every architecture we run on (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    /// With the pid this names a process for good; pids come round again.
    pub(crate) start_ticks: u64,
    /// CPU time of its own and of the children it has waited for.
    pub(crate) cpu: Duration,
    pub(crate) arguments: Vec<String>,
    /// All lines of /proc/<pid>/cgroup.
    pub(crate) cgroup: String,
}

/// What /proc/<pid>/stat says.
#[derive(Debug, PartialEq)]
struct Stat {
    parent: i32,
    cpu: Duration,
    start_ticks: u64,
}

/// Every process but kernel threads. One that ends while we look is left out.
pub(crate) fn processes() -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("list /proc")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(process).collect())
}

fn process(pid: i32) -> Option<Process> {
    let Stat { parent, cpu, start_ticks } =
        parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    // kthreadd and its children, which may run the teardown of anyone's namespaces.
    if pid == 2 || parent == 2 {
        return None;
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments = arguments.split(|byte| *byte == 0).map(|one| String::from_utf8_lossy(one).into_owned());
    let mut arguments: Vec<_> = arguments.collect();
    // The last one ends with a NUL too.
    arguments.pop();
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    Some(Process { pid, parent, start_ticks, cpu, arguments, cgroup })
}

/// proc_pid_stat(5). The second field is the program's name in brackets, and may itself contain brackets and blanks.
fn parse_stat(text: &str) -> Option<Stat> {
    let after_name = &text[text.rfind(')')? + 1..];
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    // The man page counts from 1, and two fields lie before ours.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = field(14)? + field(15)? + field(16)? + field(17)?;
    Some(Stat {
        parent: i32::try_from(field(4)?).ok()?,
        cpu: TICK * u32::try_from(ticks).ok()?,
        start_ticks: field(22)?,
    })
}

/// KiB of memory that exist because of this process: its own pages, and its share of those it has in common.
pub(crate) fn pss_kib(pid: i32) -> Option<u64> {
    parse_pss(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

fn parse_pss(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("Pss:"))?.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// CPU time that all cores together have spent on anything but this program.
///
/// Counts what no process is charged for, such as the kernel's own threads taking network namespaces apart.
pub(crate) fn machine_busy() -> Result<Duration> {
    let machine = fs::read_to_string("/proc/stat").context("read /proc/stat")?;
    let busy = parse_busy(&machine).context("/proc/stat has no line for all cores")?;
    let own = fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    let own = parse_stat(&own).context("/proc/self/stat is not as proc(5) says")?.cpu;
    Ok(busy.saturating_sub(own))
}

/// user, nice, system, irq and softirq: not idle, iowait or what the hypervisor took.
fn parse_busy(text: &str) -> Option<Duration> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u32> = line.split_ascii_whitespace().map_while(|field| field.parse().ok()).collect();
    let &[user, nice, system, _idle, _iowait, irq, softirq, ..] = ticks.as_slice() else { return None };
    Some(TICK * (user + nice + system + irq + softirq))
}
