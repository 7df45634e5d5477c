//! What resources mean in control files: pure, for v1 and v2.
use oci_spec::runtime::{LinuxMemory, LinuxResources};

use crate::error::{Error, Result};

/// One value for one control file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The v1 hierarchy the file is in; ignored on v2.
    pub(crate) controller: &'static str,
    pub(crate) file: String,
    pub(crate) value: String,
    /// A missing file is no error: kubelet names every huge page size whether or not the node has the controller.
    pub(crate) optional: bool,
}

fn setting(controller: &'static str, file: impl Into<String>, value: impl ToString) -> Setting {
    Setting { controller, file: file.into(), value: value.to_string(), optional: false }
}

/// The settings of v1, in an order the kernel accepts for a new group.
///
/// # Errors
/// A value that no control file takes; `unified` keys, which only v2 has.
pub(crate) fn v1(resources: &LinuxResources) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    if let Some(cpu) = resources.cpu() {
        settings.extend(some(cpu.shares()).map(|shares| setting("cpu", "cpu.shares", shares)));
        settings.extend(some(cpu.burst()).map(|burst| setting("cpu", "cpu.cfs_burst_us", burst)));
        settings.extend(some(cpu.period()).map(|period| setting("cpu", "cpu.cfs_period_us", period)));
        settings.extend(limit(cpu.quota()).map(|quota| setting("cpu", "cpu.cfs_quota_us", quota)));
        settings.extend(set(cpu.cpus(), "cpu.cpus")?.map(|cpus| setting("cpuset", "cpuset.cpus", cpus)));
        settings.extend(set(cpu.mems(), "cpu.mems")?.map(|mems| setting("cpuset", "cpuset.mems", mems)));
    }
    if let Some(memory) = resources.memory() {
        let swap = swap_with_memory(memory)?;
        settings.extend(limit(memory.limit()).map(|limit| setting("memory", "memory.limit_in_bytes", limit)));
        // A kernel without swap accounting has no such file.
        let both = |swap| setting("memory", "memory.memsw.limit_in_bytes", swap);
        settings.extend(swap.map(|swap| Setting { optional: true, ..both(swap) }));
        settings.extend(
            limit(memory.reservation()).map(|low| setting("memory", "memory.soft_limit_in_bytes", low)),
        );
    }
    settings.extend(pids(resources).map(|max| setting("pids", "pids.max", max)));
    for huge in resources.hugepage_limits().iter().flatten() {
        let size = page_size(huge.page_size())?;
        for file in [format!("hugetlb.{size}.limit_in_bytes"), format!("hugetlb.{size}.rsvd.limit_in_bytes")]
        {
            settings.push(Setting { optional: true, ..setting("hugetlb", file, huge.limit()) });
        }
    }
    match resources.unified().iter().flatten().next() {
        Some((key, _)) => Err(refuse("unified", key, "this node has cgroup v1")),
        None => Ok(settings),
    }
}

/// The settings of v2; `unified` is the caller's last word, so it comes last.
///
/// # Errors
/// A value that no control file takes, a `unified` key that is no limit.
pub(crate) fn v2(resources: &LinuxResources) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    if let Some(cpu) = resources.cpu() {
        settings.extend(some(cpu.shares()).map(|shares| setting("cpu", "cpu.weight", cpu_weight(shares))));
        settings.extend(cpu_max(cpu.quota(), cpu.period()).map(|max| setting("cpu", "cpu.max", max)));
        settings.extend(some(cpu.burst()).map(|burst| setting("cpu", "cpu.max.burst", burst)));
        settings.extend(set(cpu.cpus(), "cpu.cpus")?.map(|cpus| setting("cpuset", "cpuset.cpus", cpus)));
        settings.extend(set(cpu.mems(), "cpu.mems")?.map(|mems| setting("cpuset", "cpuset.mems", mems)));
    }
    if let Some(memory) = resources.memory() {
        settings.extend(limit(memory.limit()).map(|limit| setting("memory", "memory.max", or_max(limit))));
        let swap = swap_alone(memory)?.map(|swap| setting("memory", "memory.swap.max", or_max(swap)));
        settings.extend(swap.map(|swap| Setting { optional: true, ..swap }));
        settings.extend(limit(memory.reservation()).map(|low| setting("memory", "memory.low", or_max(low))));
    }
    settings.extend(pids(resources).map(|max| setting("pids", "pids.max", max)));
    for huge in resources.hugepage_limits().iter().flatten() {
        let size = page_size(huge.page_size())?;
        for file in [format!("hugetlb.{size}.max"), format!("hugetlb.{size}.rsvd.max")] {
            settings.push(Setting { optional: true, ..setting("hugetlb", file, huge.limit()) });
        }
    }
    let mut unified: Vec<_> = resources.unified().iter().flatten().collect();
    unified.sort();
    for (key, value) in unified {
        check_unified(key, value)?;
        settings.push(setting("unified", key.clone(), value));
    }
    Ok(settings)
}

fn refuse(resource: &'static str, value: &str, why: &'static str) -> Error {
    Error::Value { resource, value: value.chars().take(200).collect(), why }
}

/// Zero means "not specified", in OCI as in CRI.
fn some(value: Option<u64>) -> Option<u64> {
    value.filter(|value| *value != 0)
}

fn limit(value: Option<i64>) -> Option<i64> {
    value.filter(|value| *value != 0)
}

/// Every negative number means "no limit"; the files of v1 take only -1.
fn or_max(value: i64) -> String {
    if value < 0 { "max".into() } else { value.to_string() }
}

/// A list of processors or memory nodes (cpuset(7), "List format").
fn set<'a>(list: &'a Option<String>, resource: &'static str) -> Result<Option<&'a str>> {
    match list.as_deref() {
        None | Some("") => Ok(None),
        Some(list) if list.bytes().all(|byte| byte.is_ascii_digit() || b",-:/".contains(&byte)) => {
            Ok(Some(list))
        }
        Some(list) => Err(refuse(resource, list, "it is no list such as 0-3,8")),
    }
}

fn page_size(size: &str) -> Result<&str> {
    let digits = size.trim_end_matches(|letter: char| letter.is_ascii_uppercase());
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match sound && ["B", "KB", "MB", "GB"].contains(&&size[digits.len()..]) {
        true => Ok(size),
        false => Err(refuse("hugepageLimits.pageSize", size, "it is no size such as 2MB")),
    }
}

fn pids(resources: &LinuxResources) -> Option<String> {
    limit(Some(resources.pids().as_ref()?.limit())).map(or_max)
}

/// OCI's swap is memory and swap together, as in v1. Without a memory limit no limit on the sum can be meant.
fn swap_with_memory(memory: &LinuxMemory) -> Result<Option<i64>> {
    let (limit, swap) = (limit(memory.limit()), limit(memory.swap()));
    match (limit, swap) {
        (Some(limit), None) if limit < 0 => Ok(Some(-1)),
        (Some(limit), Some(swap)) if swap > 0 && swap < limit => Err(refuse(
            "memory.swap",
            &swap.to_string(),
            "it is memory and swap together, but below memory.limit",
        )),
        _ => Ok(swap.map(|swap| swap.max(-1))),
    }
}

/// v2's swap is swap alone.
fn swap_alone(memory: &LinuxMemory) -> Result<Option<i64>> {
    match (limit(memory.limit()), swap_with_memory(memory)?) {
        (Some(limit), Some(both)) if limit > 0 && both > 0 => Ok(Some(both - limit)),
        (None, Some(both)) if both > 0 => Err(refuse(
            "memory.swap",
            &both.to_string(),
            "it needs memory.limit, of which it is the sum with swap",
        )),
        (_, swap) => Ok(swap),
    }
}

fn cpu_max(quota: Option<i64>, period: Option<u64>) -> Option<String> {
    let (quota, period) = (limit(quota), some(period));
    if quota.is_none() && period.is_none() {
        return None;
    }
    let quota = or_max(quota.unwrap_or(-1));
    Some(period.map_or_else(|| quota.clone(), |period| format!("{quota} {period}")))
}

const SHARES: std::ops::RangeInclusive<u64> = 2..=262_144;
const WEIGHTS: std::ops::RangeInclusive<u64> = 1..=10_000;

/// The `cpu.weight` of v2 for the `cpu.shares` of v1: a curve through the ends of both ranges and through both
/// defaults, 1024 and 100. runc has it since 1.3.2, crun since 1.23 and kubelet with them, so a container's weight
/// is measured like that of the pods beside it.
pub fn cpu_weight(shares: u64) -> u64 {
    let log = (shares.clamp(*SHARES.start(), *SHARES.end()) as f64).log2();
    let weight = 10f64.powf((log * log + 125.0 * log) / 612.0 - 7.0 / 34.0);
    // The curve meets 1, 100 and 10000 exactly; rounding errors must not carry it over.
    ((weight - 1e-9).ceil() as u64).clamp(*WEIGHTS.start(), *WEIGHTS.end())
}

/// The smallest `cpu.shares` with that `cpu.weight`, so that `cpu_weight(cpu_shares(weight)) == weight`.
pub fn cpu_shares(weight: u64) -> u64 {
    let weight = weight.clamp(*WEIGHTS.start(), *WEIGHTS.end());
    if weight == 100 {
        // Several shares have the default weight; the default is among them.
        return 1024;
    }
    let (mut low, mut high) = (*SHARES.start(), *SHARES.end());
    while low < high {
        let middle = low.midpoint(high);
        if cpu_weight(middle) < weight { low = middle + 1 } else { high = middle }
    }
    low
}

/// Controllers whose files are limits. `cgroup.*` is not among them: those move and kill processes.
const UNIFIED: &[&str] = &["cpu", "cpuset", "io", "memory", "pids", "hugetlb", "rdma", "misc"];

fn check_unified(key: &str, value: &str) -> Result<()> {
    let plain =
        key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) && key.len() <= 64;
    let known = key.split_once('.').is_some_and(|(controller, file)| {
        UNIFIED.contains(&controller) && !file.is_empty() && !file.starts_with('.')
    });
    if !plain || !known {
        return Err(refuse("unified", key, "it is no limit of cgroup v2 such as memory.high"));
    }
    // Flat and nested keys take one line in each write.
    if value.len() > 4096 || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(refuse("unified", key, "its value is no single line of text"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
