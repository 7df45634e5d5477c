//! CRI resources as the limits of a cgroup.

use std::collections::HashMap;

use oci_spec::runtime::{
    LinuxCpu, LinuxCpuBuilder, LinuxHugepageLimit, LinuxHugepageLimitBuilder, LinuxMemory,
    LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResources,
};
use proto::cri;

use crate::{
    error::{Result, SpecError, quoted},
    input::NodeFacts,
};

/// What the kernel takes for `cpu.cfs_period_us`, in microseconds; see sched-bwc.rst.
const PERIOD: std::ops::RangeInclusive<i64> = 1_000..=1_000_000;

/// The least quota, in microseconds.
const QUOTA_MIN: i64 = 1_000;

/// The range of `cpu.shares`; values outside are clamped, as the kernel does.
const SHARES: (i64, i64) = (2, 262_144);

/// The limits of a request, for UpdateContainerResources too. Zero and empty mean "not specified" and leave a field unset.
///
/// # Errors
/// A value the kernel would refuse.
pub fn resources(request: &cri::LinuxContainerResources, node: &NodeFacts) -> Result<LinuxResources> {
    let mut resources = empty();
    resources.set_cpu(cpu(request)?);
    resources.set_memory(memory(request, node)?);
    resources.set_hugepage_limits(hugepages(&request.hugepage_limits, node)?);
    resources.set_unified(unified(&request.unified, node)?);
    Ok(resources)
}

/// `pids.max`; CRI has no field for it.
pub(crate) fn limit_pids(resources: &mut LinuxResources, limit: i64) -> Result<()> {
    let pids = LinuxPidsBuilder::default().limit(limit).build();
    resources.set_pids(Some(pids.map_err(|error| SpecError::internal("pids limit", error.to_string()))?));
    Ok(())
}

/// No limits at all; the builder's default is not it.
pub(crate) fn empty() -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources.set_devices(None);
    resources
}

/// The OOM killer's preference.
pub(crate) fn oom_score_adj(request: &cri::LinuxContainerResources, node: &NodeFacts) -> Result<i32> {
    match i32::try_from(request.oom_score_adj) {
        Ok(value @ -1000..=1000) => Ok(value.max(node.min_oom_score_adj)),
        _ => Err(bad("oom_score_adj", request.oom_score_adj, "it is not from -1000 to 1000", "correct it")),
    }
}

/// The resources in force after an update: what the update specifies, else what held before.
pub fn merged(
    held: &cri::LinuxContainerResources,
    update: &cri::LinuxContainerResources,
) -> cri::LinuxContainerResources {
    let number = |new: i64, old: i64| if new == 0 { old } else { new };
    let text = |new: &str, old: &str| if new.is_empty() { old.to_owned() } else { new.to_owned() };
    let mut unified = held.unified.clone();
    unified.extend(update.unified.clone());
    cri::LinuxContainerResources {
        cpu_period: number(update.cpu_period, held.cpu_period),
        cpu_quota: number(update.cpu_quota, held.cpu_quota),
        cpu_shares: number(update.cpu_shares, held.cpu_shares),
        memory_limit_in_bytes: number(update.memory_limit_in_bytes, held.memory_limit_in_bytes),
        oom_score_adj: number(update.oom_score_adj, held.oom_score_adj),
        cpuset_cpus: text(&update.cpuset_cpus, &held.cpuset_cpus),
        cpuset_mems: text(&update.cpuset_mems, &held.cpuset_mems),
        hugepage_limits: merged_hugepages(&held.hugepage_limits, &update.hugepage_limits),
        unified,
        memory_swap_limit_in_bytes: number(
            update.memory_swap_limit_in_bytes,
            held.memory_swap_limit_in_bytes,
        ),
    }
}

fn merged_hugepages(held: &[cri::HugepageLimit], update: &[cri::HugepageLimit]) -> Vec<cri::HugepageLimit> {
    let mut limits = held.to_vec();
    for new in update {
        match limits.iter_mut().find(|old| old.page_size == new.page_size) {
            Some(old) => old.limit = new.limit,
            None => limits.push(new.clone()),
        }
    }
    limits
}

fn cpu(request: &cri::LinuxContainerResources) -> Result<Option<LinuxCpu>> {
    let mut cpu = LinuxCpuBuilder::default();
    let mut any = false;
    if request.cpu_period != 0 {
        if !PERIOD.contains(&request.cpu_period) {
            let cause = "it is not from 1000 to 1000000 microseconds";
            return Err(bad("cpu_period", request.cpu_period, cause, "use 100000"));
        }
        cpu = cpu.period(request.cpu_period.unsigned_abs());
        any = true;
    }
    if request.cpu_quota != 0 {
        if request.cpu_quota != -1 && request.cpu_quota < QUOTA_MIN {
            let cause = "it is neither -1 nor at least 1000 microseconds";
            return Err(bad("cpu_quota", request.cpu_quota, cause, "raise the CPU limit, 10m is the least"));
        }
        cpu = cpu.quota(request.cpu_quota);
        any = true;
    }
    if request.cpu_shares != 0 {
        if request.cpu_shares < 0 {
            return Err(bad("cpu_shares", request.cpu_shares, "it is negative", "use 2 to 262144"));
        }
        cpu = cpu.shares(request.cpu_shares.clamp(SHARES.0, SHARES.1).unsigned_abs());
        any = true;
    }
    for (field, list) in [("cpuset_cpus", &request.cpuset_cpus), ("cpuset_mems", &request.cpuset_mems)] {
        if list.is_empty() {
            continue;
        }
        check_list(field, list)?;
        cpu = if field == "cpuset_cpus" { cpu.cpus(list) } else { cpu.mems(list) };
        any = true;
    }
    if !any {
        return Ok(None);
    }
    cpu.build().map(Some).map_err(|error| SpecError::internal("CPU limits", error.to_string()))
}

/// "0-3,8": List Formats of cpuset(7).
fn check_list(field: &str, list: &str) -> Result<()> {
    let number = |text: &str| if text.len() <= 5 { text.parse::<u32>().ok() } else { None };
    let range = |item: &str| match item.split_once('-') {
        None => number(item).is_some(),
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(first, last)| first <= last),
    };
    let digits = list.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b',');
    if list.len() > 4095 || !digits || !list.split(',').all(range) {
        return Err(bad(field, quoted(list), "it is no list of numbers", "write it like \"0-3,8\""));
    }
    Ok(())
}

/// CRI counts swap as "memory and swap together". Without a word about it a container with a memory limit gets no swap,
/// as at the peers; kubelet says more on cgroup v2 through `unified["memory.swap.max"]`, which is applied last.
fn memory(request: &cri::LinuxContainerResources, node: &NodeFacts) -> Result<Option<LinuxMemory>> {
    let (limit, swap) = (request.memory_limit_in_bytes, request.memory_swap_limit_in_bytes);
    for (field, value) in [("memory_limit_in_bytes", limit), ("memory_swap_limit_in_bytes", swap)] {
        if value < -1 {
            return Err(bad(field, value, "it is negative", "use -1 for no limit"));
        }
    }
    if limit > 0 && swap > 0 && swap < limit {
        let cause = "it counts memory and swap together, yet is below the memory limit";
        return Err(bad("memory_swap_limit_in_bytes", swap, cause, "use at least the memory limit"));
    }
    if limit == 0 && swap == 0 {
        return Ok(None);
    }
    let mut memory = LinuxMemoryBuilder::default();
    if limit != 0 {
        memory = memory.limit(limit);
    }
    if node.swap_limit {
        memory = memory.swap(if swap != 0 { swap } else { limit });
    }
    memory.build().map(Some).map_err(|error| SpecError::internal("memory limits", error.to_string()))
}

/// Kubelet sends a zero for every page size of the node, even where the hugetlb controller is missing; only a limit that
/// is asked for and cannot be kept is an error.
fn hugepages(limits: &[cri::HugepageLimit], node: &NodeFacts) -> Result<Option<Vec<LinuxHugepageLimit>>> {
    let mut kept = Vec::new();
    for asked in limits {
        if node.hugepage_sizes.contains(&asked.page_size) {
            let limit = LinuxHugepageLimitBuilder::default()
                .page_size(&asked.page_size)
                .limit(i64::try_from(asked.limit).unwrap_or(i64::MAX))
                .build();
            kept.push(limit.map_err(|error| SpecError::internal("huge pages", error.to_string()))?);
        } else if asked.limit != 0 {
            return Err(SpecError::unsupported(
                format!("huge pages of {}", quoted(&asked.page_size)),
                format!("this node limits {:?}", node.hugepage_sizes),
                "use another page size, or enable the hugetlb controller",
            ));
        }
    }
    Ok((!kept.is_empty()).then_some(kept))
}

/// Files of the container's own cgroup. `cgroup.*` is not among them: those files move and kill processes and hand
/// controllers on, which is ours to do.
fn unified(asked: &HashMap<String, String>, node: &NodeFacts) -> Result<Option<HashMap<String, String>>> {
    if asked.is_empty() {
        return Ok(None);
    }
    if !node.cgroup_v2 {
        return Err(SpecError::unsupported(
            "unified resources",
            "this node's controllers are those of cgroup v1",
            "boot the node with cgroup v2",
        ));
    }
    for (key, value) in asked {
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let (controller, file) = key.split_once('.').unwrap_or_default();
        if !plain || key.len() > 255 || controller.is_empty() || file.is_empty() || controller == "cgroup" {
            return Err(bad(
                "unified",
                quoted(key),
                "it is no limit of a cgroup",
                "use names such as \"memory.high\"",
            ));
        }
        if value.is_empty() || value.len() > 4095 || value.chars().any(|c| c.is_control() && c != '\n') {
            return Err(bad(
                "unified",
                quoted(key),
                "its value cannot be written to a cgroup",
                "correct the value",
            ));
        }
    }
    Ok(Some(asked.clone()))
}

fn bad(field: &str, value: impl std::fmt::Display, cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid(format!("{field} {value}"), cause, way_out)
}

#[cfg(test)]
mod tests;
