//! Ratios by hand.
use super::*;

fn figures(rows: &[(&str, &[(&'static str, f64)])]) -> Figures {
    let mut figures = Figures::default();
    for (name, measures) in rows {
        figures.push(name, measures.to_vec());
    }
    figures
}

#[test]
fn a_ratio_is_peer_over_baseline_where_both_have_a_figure() {
    let ours = figures(&[("Run", &[("p50_ms", 4.0), ("p99_ms", 8.0)]), ("OnlyOurs", &[("p50_ms", 1.0)])]);
    let theirs = figures(&[("Run", &[("p50_ms", 100.0)]), ("OnlyTheirs", &[("p50_ms", 1.0)])]);
    let found = ratios(&ours, &theirs);
    assert_eq!(found, Ratios::from([("Run".to_owned(), BTreeMap::from([("p50_ms", 25.0)]))]));
}

#[test]
fn nothing_is_a_multiple_of_nothing() {
    let ours = figures(&[("IdleCpu", &[("daemon_ms_per_s", 0.0)])]);
    let theirs = figures(&[("IdleCpu", &[("daemon_ms_per_s", 140.0)])]);
    assert_eq!(ratios(&ours, &theirs), Ratios::new());
}

#[test]
fn the_best_peer_counts_measure_by_measure() {
    let ours = figures(&[("Run", &[("p50_ms", 1.0), ("p99_ms", 1.0)])]);
    let slow = ratios(&ours, &figures(&[("Run", &[("p50_ms", 30.0), ("p99_ms", 40.0)])]));
    let mixed = ratios(&ours, &figures(&[("Run", &[("p50_ms", 20.0), ("p99_ms", 90.0)])]));
    let best = against_the_best([&slow, &mixed]);
    assert_eq!(best["Run"], BTreeMap::from([("p50_ms", 20.0), ("p99_ms", 40.0)]));
}

#[test]
fn json_has_an_object_a_row_with_the_number_of_samples() {
    let mut samples = Samples::default();
    samples.add("Run", Duration::from_micros(1500));
    samples.add("Run", Duration::from_micros(2500));
    let mut figures = Figures::default();
    figures.push_samples(&samples);
    figures.push("MemoryIdle", vec![("daemon_kib", 900.0)]);
    let expected = json!({
        "Run": { "p50_ms": 1.5, "p90_ms": 2.5, "p99_ms": 2.5, "samples": 2 },
        "MemoryIdle": { "daemon_kib": 900.0 },
    });
    assert_eq!(figures.to_json(), expected);
}
