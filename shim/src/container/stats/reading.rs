//! One reading of a control group, as CRI tells it: of a container or of a whole pod.
use proto::cri;

use crate::{
    cpu_rate::CpuRate,
    ctx::{Ctx, now_ns},
};

/// Nanoseconds in the microsecond of a pressure file.
const NS_PER_US: u64 = 1000;

/// What a group uses at one moment.
#[derive(Debug)]
pub(crate) struct Reading {
    stats: cgroup::Stats,
    pressure: cgroup::metrics::Pressure,
    swap_limit: Option<u64>,
    nano_cores: Option<u64>,
    now: i64,
}

impl Reading {
    /// None if the group is gone. `rate` is the group's own.
    pub(crate) fn take(cx: &Ctx, group: &str, rate: &CpuRate) -> Option<Self> {
        let stats = cx.cgroups.stats(group).ok()?;
        let now = now_ns();
        Some(Self {
            nano_cores: rate.measure(now, stats.cpu.usage_ns),
            pressure: cx.cgroups.pressure(group).unwrap_or_default(),
            swap_limit: cx.cgroups.swap_limit(group).ok().flatten(),
            now,
            stats,
        })
    }

    pub(crate) fn cpu(&self) -> cri::CpuUsage {
        cri::CpuUsage {
            timestamp: self.now,
            usage_core_nano_seconds: Some(value(self.stats.cpu.usage_ns)),
            usage_nano_cores: self.nano_cores.map(value),
            psi: self.pressure.cpu.as_ref().map(psi),
        }
    }

    pub(crate) fn memory(&self) -> cri::MemoryUsage {
        let memory = &self.stats.memory;
        cri::MemoryUsage {
            timestamp: self.now,
            working_set_bytes: Some(value(memory.working_set_bytes)),
            available_bytes: memory
                .limit_bytes
                .map(|limit| value(limit.saturating_sub(memory.working_set_bytes))),
            usage_bytes: Some(value(memory.usage_bytes)),
            rss_bytes: Some(value(memory.rss_bytes)),
            page_faults: Some(value(memory.page_faults)),
            major_page_faults: Some(value(memory.major_page_faults)),
            psi: self.pressure.memory.as_ref().map(psi),
        }
    }

    pub(crate) fn swap(&self) -> cri::SwapUsage {
        let used = self.stats.memory.swap_bytes;
        cri::SwapUsage {
            timestamp: self.now,
            swap_available_bytes: self.swap_limit.map(|limit| value(limit.saturating_sub(used))),
            swap_usage_bytes: Some(value(used)),
        }
    }

    /// None where the kernel does not count it.
    pub(crate) fn io(&self) -> Option<cri::IoUsage> {
        let stall = self.pressure.io.as_ref()?;
        Some(cri::IoUsage { timestamp: self.now, psi: Some(psi(stall)) })
    }

    pub(crate) fn processes(&self) -> cri::ProcessUsage {
        cri::ProcessUsage { timestamp: self.now, process_count: Some(value(self.stats.pids.current)) }
    }
}

pub(crate) fn value(value: u64) -> cri::UInt64Value {
    cri::UInt64Value { value }
}

fn psi(stall: &cgroup::metrics::Stall) -> cri::PsiStats {
    cri::PsiStats { full: Some(window(stall.full)), some: Some(window(stall.some)) }
}

fn window(window: cgroup::metrics::Window) -> cri::PsiData {
    let percent = |hundredths: u32| f64::from(hundredths) / 100.0;
    cri::PsiData {
        total: window.total_us.saturating_mul(NS_PER_US),
        avg10: percent(window.avg10),
        avg60: percent(window.avg60),
        avg300: percent(window.avg300),
    }
}
