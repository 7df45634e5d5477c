//! What resources mean in control files: pure, for v1 and v2.
use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType, LinuxResources};

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
pub(crate) fn v1(resources: &LinuxResources) -> Vec<Setting> {
    let mut settings = Vec::new();
    if let Some(cpu) = resources.cpu() {
        settings.extend(
            cpu.shares().filter(|shares| *shares != 0).map(|shares| setting("cpu", "cpu.shares", shares)),
        );
        settings.extend(
            cpu.period()
                .filter(|period| *period != 0)
                .map(|period| setting("cpu", "cpu.cfs_period_us", period)),
        );
        settings.extend(
            cpu.quota().filter(|quota| *quota != 0).map(|quota| setting("cpu", "cpu.cfs_quota_us", quota)),
        );
        settings.extend(named(cpu.cpus()).map(|cpus| setting("cpuset", "cpuset.cpus", cpus)));
        settings.extend(named(cpu.mems()).map(|mems| setting("cpuset", "cpuset.mems", mems)));
    }
    if let Some(memory) = resources.memory() {
        settings.extend(limit(memory.limit()).map(|limit| setting("memory", "memory.limit_in_bytes", limit)));
        // Swap is memory and swap together here; a kernel without swap accounting has no such file.
        settings.extend(limit(memory.swap()).map(|swap| Setting {
            optional: true,
            ..setting("memory", "memory.memsw.limit_in_bytes", swap)
        }));
        settings.extend(
            limit(memory.reservation()).map(|low| setting("memory", "memory.soft_limit_in_bytes", low)),
        );
    }
    settings.extend(pids(resources).map(|max| setting("pids", "pids.max", max)));
    for huge in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.limit_in_bytes", huge.page_size());
        settings.push(Setting { optional: true, ..setting("hugetlb", file, huge.limit()) });
    }
    settings
}

/// The settings of v2.
///
/// # Errors
/// A `unified` key that is no file name.
pub(crate) fn v2(resources: &LinuxResources) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    if let Some(cpu) = resources.cpu() {
        settings.extend(
            cpu.shares()
                .filter(|shares| *shares != 0)
                .map(|shares| setting("cpu", "cpu.weight", weight(shares))),
        );
        if let Some(value) = cpu_max(cpu.quota(), cpu.period()) {
            settings.push(setting("cpu", "cpu.max", value));
        }
        settings.extend(named(cpu.cpus()).map(|cpus| setting("cpuset", "cpuset.cpus", cpus)));
        settings.extend(named(cpu.mems()).map(|mems| setting("cpuset", "cpuset.mems", mems)));
    }
    if let Some(memory) = resources.memory() {
        settings.extend(limit(memory.limit()).map(|limit| setting("memory", "memory.max", or_max(limit))));
        // OCI's swap is memory and swap together, v2's is swap alone.
        if let (Some(swap), bound) = (limit(memory.swap()), memory.limit().unwrap_or(0)) {
            let swap = if swap < 0 {
                "max".to_owned()
            } else {
                swap.saturating_sub(bound.max(0)).max(0).to_string()
            };
            settings.push(Setting { optional: true, ..setting("memory", "memory.swap.max", swap) });
        }
        settings.extend(limit(memory.reservation()).map(|low| setting("memory", "memory.low", or_max(low))));
    }
    settings.extend(pids(resources).map(|max| setting("pids", "pids.max", max)));
    for huge in resources.hugepage_limits().iter().flatten() {
        let file = format!("hugetlb.{}.max", huge.page_size());
        settings.push(Setting { optional: true, ..setting("hugetlb", file, huge.limit()) });
    }
    for (key, value) in resources.unified().iter().flatten() {
        if !is_control_file(key) {
            return Err(Error::Unified { key: key.clone() });
        }
        settings.push(setting("unified", key.clone(), value));
    }
    Ok(settings)
}

fn named(text: &Option<String>) -> Option<&String> {
    text.as_ref().filter(|text| !text.is_empty())
}

/// Zero means "not specified".
fn limit(value: Option<i64>) -> Option<i64> {
    value.filter(|value| *value != 0)
}

fn or_max(value: i64) -> String {
    if value < 0 { "max".into() } else { value.to_string() }
}

fn pids(resources: &LinuxResources) -> Option<String> {
    let max = resources.pids().as_ref()?.limit();
    (max != 0).then(|| or_max(max))
}

fn cpu_max(quota: Option<i64>, period: Option<u64>) -> Option<String> {
    let quota = quota.filter(|quota| *quota != 0);
    let period = period.filter(|period| *period != 0);
    match (quota, period) {
        (None, None) => None,
        (quota, period) => {
            let quota =
                quota.filter(|quota| *quota > 0).map_or_else(|| "max".to_owned(), |quota| quota.to_string());
            Some(period.map_or_else(|| quota.clone(), |period| format!("{quota} {period}")))
        }
    }
}

/// Shares 2..262144 onto weights 1..10000, linearly: the conversion every runtime and the kubelet have used for years.
pub(crate) fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9_999 / 262_142
}

/// `controller.file`, as control files of v2 are named: nothing that leads out of the directory, and nothing that moves
/// processes or controllers.
fn is_control_file(key: &str) -> bool {
    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    plain && key.len() <= 64 && key.contains('.') && !key.starts_with('.') && !key.starts_with("cgroup.")
}

/// Lines for `devices.allow` and `devices.deny` of v1.
pub(crate) fn device_lines(rules: &[LinuxDeviceCgroup]) -> Vec<(bool, String)> {
    rules.iter().map(|rule| (rule.allow(), device_line(rule))).collect()
}

fn device_line(rule: &LinuxDeviceCgroup) -> String {
    let kind = match rule.typ() {
        Some(LinuxDeviceType::B) => "b",
        Some(LinuxDeviceType::C | LinuxDeviceType::U) => "c",
        Some(LinuxDeviceType::A | LinuxDeviceType::P) | None => return "a".into(),
    };
    let number = |number: Option<i64>| {
        number.filter(|number| *number >= 0).map_or_else(|| "*".to_owned(), |number| number.to_string())
    };
    let access = rule.access().clone().filter(|access| !access.is_empty()).unwrap_or_else(|| "rwm".into());
    format!("{kind} {}:{} {access}", number(rule.major()), number(rule.minor()))
}

#[cfg(test)]
mod tests;
