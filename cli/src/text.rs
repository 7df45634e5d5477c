//! How ids, times and sizes are written for people.

use std::time::{SystemTime, UNIX_EPOCH};

/// The first twelve characters of an id, without its algorithm: enough to be unique on a node.
pub(crate) fn short_id(id: &str) -> &str {
    let id = id.strip_prefix("sha256:").unwrap_or(id);
    id.get(..12).unwrap_or(id)
}

/// Now, in nanoseconds since 1970 as CRI counts.
pub(crate) fn now_ns() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
}

/// How long ago `then` was, in its largest unit; "-" for never.
pub(crate) fn age(now_ns: i64, then_ns: i64) -> String {
    if then_ns <= 0 {
        return "-".to_owned();
    }
    let seconds = now_ns.saturating_sub(then_ns).max(0) / 1_000_000_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Bytes in binary units, three digits.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit > 0 && value < 9.95 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
}

/// Seconds of UTC as RFC 3339 writes them; "-" for never.
pub(crate) fn time(ns: i64) -> String {
    if ns <= 0 {
        return "-".to_owned();
    }
    let seconds = ns / 1_000_000_000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date of a day counted from 1970-01-01, for days after it. Years are counted from March, so that
/// the leap day is the last of its year; 400 years have 146,097 days.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut() {
        assert_eq!(short_id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short_id("short"), "short");
    }

    #[test]
    fn ages_have_one_unit() {
        let second = 1_000_000_000;
        let ago = |seconds: i64| age(1_000_000 * second, (1_000_000 - seconds) * second);
        assert_eq!(ago(0), "0s");
        assert_eq!(ago(119), "119s");
        assert_eq!(ago(120), "2m");
        assert_eq!(ago(7_199), "119m");
        assert_eq!(ago(7_200), "2h");
        assert_eq!(ago(172_800), "2d");
        assert_eq!(ago(-5), "0s", "a clock that was set back");
        assert_eq!(age(second, 0), "-");
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (n, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 * 1024, "10 KiB"),
            (1_048_575, "1.0 MiB"),
            (5_368_709_120, "5.0 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let second = 1_000_000_000;
        assert_eq!(time(second), "1970-01-01T00:00:01Z");
        assert_eq!(time(951_782_400 * second), "2000-02-29T00:00:00Z");
        assert_eq!(time(1_735_689_599 * second), "2024-12-31T23:59:59Z");
        assert_eq!(time(1_763_773_200 * second), "2025-11-22T01:00:00Z");
        assert_eq!(time(0), "-");
    }
}
