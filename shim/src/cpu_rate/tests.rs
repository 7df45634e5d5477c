//! Tests of the rate of CPU use.
use super::CpuRate;

const SECOND: i64 = 1_000_000_000;

#[test]
fn it_is_what_was_used_between_two_readings() {
    let rate = CpuRate::default();
    assert_eq!(rate.measure(0, 7), None, "one reading is no rate");
    assert_eq!(rate.measure(2 * SECOND, 7 + 3_000_000_000), Some(1_500_000_000));
    assert_eq!(rate.measure(2 * SECOND + 1, 7 + 3_000_000_001), Some(1_500_000_000), "too soon after");
    assert_eq!(rate.measure(3 * SECOND, 7 + 3_000_000_000), Some(0));
}

#[test]
fn a_counter_that_starts_again_is_a_first_reading() {
    let rate = CpuRate::default();
    assert_eq!(rate.measure(0, 1_000), None);
    assert_eq!(rate.measure(SECOND, 10), None);
    assert_eq!(rate.measure(2 * SECOND, 510), Some(500));
    assert_eq!(rate.measure(SECOND, 600), None, "the clock was set back");
}
