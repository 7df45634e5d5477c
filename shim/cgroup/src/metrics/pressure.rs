//! Pressure stall information: how long processes waited for a resource. Only v2 directories have it.
use std::path::Path;

use crate::files;

/// Of the three resources; `None` where the kernel does not count (no PSI, or turned off for the group).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Of processors.
    pub cpu: Option<Stall>,
    /// Of memory.
    pub memory: Option<Stall>,
    /// Of disks.
    pub io: Option<Stall>,
}

/// Waiting for one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stall {
    /// Somebody had to wait.
    pub some: Window,
    /// Nobody got on.
    pub full: Window,
}

/// How much of the time. The averages are hundredths of a percent, as precise as the kernel says them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Microseconds since the group was made.
    pub total_us: u64,
    /// Of the last 10 seconds.
    pub avg10: u32,
    /// Of the last minute.
    pub avg60: u32,
    /// Of the last five minutes.
    pub avg300: u32,
}

pub(super) fn read(dir: &Path) -> Pressure {
    let of = |file| parse(&files::read_or_empty(&dir.join(file)));
    Pressure { cpu: of("cpu.pressure"), memory: of("memory.pressure"), io: of("io.pressure") }
}

/// Of the text of a pressure file (Documentation/accounting/psi.rst). Before Linux 5.13 a processor has no line "full".
pub(super) fn parse(text: &str) -> Option<Stall> {
    let line =
        |kind: &str| text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')).map(window);
    Some(Stall { some: line("some")?, full: line("full").unwrap_or_default() })
}

fn window(line: &str) -> Window {
    let value = |key: &str| line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    Window {
        total_us: value("total").and_then(|total| total.parse().ok()).unwrap_or(0),
        avg10: hundredths(value("avg10")),
        avg60: hundredths(value("avg60")),
        avg300: hundredths(value("avg300")),
    }
}

/// "12.34" is 1234.
fn hundredths(text: Option<&str>) -> u32 {
    let digits: String = text.unwrap_or_default().chars().filter(|char| *char != '.').collect();
    digits.parse().unwrap_or(0)
}
