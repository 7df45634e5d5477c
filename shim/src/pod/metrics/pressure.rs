//! Waiting for a processor, for memory, for a disk.
use cgroup::metrics::Pressure;

use super::{samples::Samples, table as metric};

pub(super) fn add(samples: &mut Samples, pressure: &Pressure) {
    let resources = [
        (&pressure.cpu, metric::PRESSURE_CPU_WAITING, metric::PRESSURE_CPU_STALLED),
        (&pressure.memory, metric::PRESSURE_MEMORY_WAITING, metric::PRESSURE_MEMORY_STALLED),
        (&pressure.io, metric::PRESSURE_IO_WAITING, metric::PRESSURE_IO_STALLED),
    ];
    for (stall, waiting, stalled) in resources {
        let Some(stall) = stall else { continue };
        samples.seconds(waiting, Some(stall.some.total_us.saturating_mul(1000)));
        samples.seconds(stalled, Some(stall.full.total_us.saturating_mul(1000)));
    }
}
