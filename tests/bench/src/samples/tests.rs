//! Percentiles by hand.
use super::*;

fn ms(values: impl IntoIterator<Item = u64>) -> Vec<Duration> {
    values.into_iter().map(Duration::from_millis).collect()
}

#[test]
fn of_a_hundred_they_are_the_values_themselves() {
    let found = Percentiles::of(&ms((1..=100).rev())).unwrap();
    assert_eq!([found.p50, found.p90, found.p99], *ms([50, 90, 99]));
}

#[test]
fn of_few_they_are_values_that_occurred() {
    let found = Percentiles::of(&ms([7, 1, 3])).unwrap();
    assert_eq!([found.p50, found.p90, found.p99], *ms([3, 7, 7]));
    let found = Percentiles::of(&ms([4, 2])).unwrap();
    assert_eq!([found.p50, found.p90, found.p99], *ms([2, 4, 4]));
    let found = Percentiles::of(&ms([5])).unwrap();
    assert_eq!([found.p50, found.p90, found.p99], *ms([5, 5, 5]));
}

#[test]
fn of_none_there_are_none() {
    assert_eq!(Percentiles::of(&[]), None);
}

#[test]
fn merging_keeps_order_and_suffix() {
    let mut all = Samples::default();
    all.add("Stop", Duration::ZERO);
    let mut more = Samples::with_suffix("/parallel");
    more.add("Stop", Duration::ZERO);
    more.add("Stop", Duration::ZERO);
    all.merge(more);
    let rows: Vec<_> = all.rows().map(|(name, taken)| (name, taken.len())).collect();
    assert_eq!(rows, [("Stop", 1), ("Stop/parallel", 2)]);
}
