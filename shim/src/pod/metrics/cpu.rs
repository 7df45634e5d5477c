//! Processor time, its limits, and waiting for it.
use cgroup::metrics::CpuMetrics;

use super::{samples::Samples, table as metric};

pub(super) fn add(samples: &mut Samples, cpu: &CpuMetrics) {
    samples.seconds(metric::CPU_USAGE, cpu.usage_ns);
    samples.seconds(metric::CPU_USER, cpu.user_ns);
    samples.seconds(metric::CPU_SYSTEM, cpu.system_ns);
    samples.plain(metric::CPU_PERIODS, cpu.periods);
    samples.plain(metric::CPU_THROTTLED_PERIODS, cpu.throttled_periods);
    samples.seconds(metric::CPU_THROTTLED, cpu.throttled_ns);
    samples.plain(metric::SPEC_CPU_PERIOD, cpu.period_us);
    samples.plain(metric::SPEC_CPU_QUOTA, cpu.quota_us);
    samples.plain(metric::SPEC_CPU_SHARES, cpu.shares);
}
