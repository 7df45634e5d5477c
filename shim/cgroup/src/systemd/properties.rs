//! Values of v2's control files as properties of a unit: pure.
//!
//! systemd writes the files of its units anew whenever it likes (`systemctl daemon-reload`), so it must know every
//! limit it has a name for. What it has no name for it leaves alone.
use cgroups_rs::systemd::{self as units, Property};

use crate::limits::Setting;

/// What systemd takes for "no limit".
const NO_LIMIT: u64 = u64::MAX;
/// The kernel's period when none is named, in microseconds.
const PERIOD_US: u64 = 100_000;
const SECOND_US: u64 = 1_000_000;
/// CONFIG_NR_CPUS is nowhere larger.
const CPUS_MAX: usize = 8192;

/// Of a unit that is made: without a word systemd would limit its tasks.
pub(super) fn of_new(settings: &[Setting]) -> Vec<Property<'static>> {
    let mut all = of(settings);
    if all.iter().all(|(name, _)| *name != units::TASKS_MAX) {
        all.push((units::TASKS_MAX, NO_LIMIT.into()));
    }
    all
}

/// Of those settings that have a name; the last of several for one file counts.
pub(super) fn of(settings: &[Setting]) -> Vec<Property<'static>> {
    let mut all: Vec<Property<'static>> = Vec::new();
    for setting in settings {
        for (name, value) in property(&setting.file, setting.value.trim()) {
            all.retain(|(known, _)| *known != name);
            all.push((name, value));
        }
    }
    all
}

fn property(file: &str, value: &str) -> Vec<Property<'static>> {
    let number = |name: &'static str| amount(value).map(|amount| (name, amount.into()));
    let set = |name: &'static str| mask(value).map(|mask| (name, mask.into()));
    let one = match file {
        "memory.max" => number(units::MEMORY_MAX),
        "memory.low" => number(units::MEMORY_LOW),
        "memory.min" => number("MemoryMin"),
        "memory.high" => number("MemoryHigh"),
        "memory.swap.max" => number(units::MEMORY_SWAP_MAX),
        "pids.max" => number(units::TASKS_MAX),
        "cpu.weight" => number(units::CPU_WEIGHT),
        "cpuset.cpus" => set(units::ALLOWED_CPUS),
        "cpuset.mems" => set(units::ALLOWED_MEMORY_NODES),
        "cpu.max" => return quota(value),
        _ => None,
    };
    one.into_iter().collect()
}

/// A number of bytes or tasks, as the kernel reads it: with K, M, G, or "max".
fn amount(value: &str) -> Option<u64> {
    if value == "max" {
        return Some(NO_LIMIT);
    }
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match value.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// "QUOTA PERIOD" of cpu.max; systemd keeps the quota for each second.
fn quota(value: &str) -> Vec<Property<'static>> {
    let mut words = value.split_ascii_whitespace();
    let Some(quota) = words.next().and_then(amount) else { return Vec::new() };
    let named = words.next().and_then(|period| period.parse::<u64>().ok()).filter(|period| *period != 0);
    let period = named.unwrap_or(PERIOD_US);
    let in_second = match quota {
        NO_LIMIT => NO_LIMIT,
        quota => u64::try_from(u128::from(quota) * u128::from(SECOND_US) / u128::from(period))
            .unwrap_or(NO_LIMIT)
            .max(1),
    };
    let mut both = vec![(units::CPU_QUOTA_PER_SEC_US, in_second.into())];
    both.extend(named.map(|period| (units::CPU_QUOTA_PERIOD_US, period.into())));
    both
}

/// A list such as "0-3,8" as a set of bits, the lowest first.
fn mask(list: &str) -> Option<Vec<u8>> {
    let mut mask = Vec::new();
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        if last >= CPUS_MAX || first > last {
            return None;
        }
        mask.resize(mask.len().max(last / 8 + 1), 0u8);
        for bit in first..=last {
            if let Some(byte) = mask.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests;
