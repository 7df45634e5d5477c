//! How many cores something uses, from the readings of its counter of CPU time.
use std::sync::{Mutex, PoisonError};

/// Readings closer together give the rate of the last pair: over a few milliseconds the counter says little.
const SHORTEST_NS: i64 = 500_000_000;

/// The last reading, kept by whose counter it is. kubelet and others ask at their own pace; all move it on.
#[derive(Debug, Default)]
pub(crate) struct CpuRate(Mutex<Option<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    at_ns: i64,
    usage_ns: u64,
    nano_cores: Option<u64>,
}

impl CpuRate {
    /// Takes a reading; gives billionths of a core used since the one before, none for the first.
    pub(crate) fn measure(&self, at_ns: i64, usage_ns: u64) -> Option<u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nano_cores = match *last {
            // A counter or a clock that went back: begin again.
            Some(before) if usage_ns < before.usage_ns || at_ns < before.at_ns => None,
            Some(before) if at_ns - before.at_ns < SHORTEST_NS => return before.nano_cores,
            Some(before) => rate(usage_ns - before.usage_ns, at_ns - before.at_ns),
            None => None,
        };
        *last = Some(Reading { at_ns, usage_ns, nano_cores });
        nano_cores
    }
}

fn rate(used_ns: u64, passed_ns: i64) -> Option<u64> {
    let per_second = u128::from(used_ns) * 1_000_000_000 / u128::try_from(passed_ns).ok()?;
    u64::try_from(per_second).ok()
}

#[cfg(test)]
mod tests;
