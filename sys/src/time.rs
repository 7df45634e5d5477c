//! Clocks in nanoseconds.
use rustix::time::{ClockId, clock_gettime};

/// CLOCK_REALTIME since 1970, nanoseconds.
pub fn realtime_ns() -> i64 {
    nanoseconds(ClockId::Realtime)
}

/// CLOCK_MONOTONIC, nanoseconds since some start; for deadlines.
pub fn monotonic_ns() -> i64 {
    nanoseconds(ClockId::Monotonic)
}

fn nanoseconds(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

/// nanosleep(2), cut short by a signal. For waits too short for an event to be worth it.
pub fn sleep(duration: std::time::Duration) {
    if let Ok(time) = rustix::time::Timespec::try_from(duration) {
        let _ = rustix::thread::nanosleep(&time);
    }
}
