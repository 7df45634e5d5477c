//! Tables as they are read.
use std::time::Duration;

use super::*;
use crate::samples::Samples;

fn finding(name: &str, run_us: u64, idle: f64) -> Finding {
    let mut samples = Samples::default();
    samples.add("RunPodSandbox", Duration::from_micros(run_us));
    let mut figures = Figures::default();
    figures.push_samples(&samples);
    figures.push("IdleCpu", vec![("runtime_cpu_ms_per_s", idle)]);
    Finding {
        name: name.to_owned(),
        runtime: format!("{name} 1.0"),
        cpu_source: "cgroups",
        lacking: Vec::new(),
        figures,
    }
}

/// The cells of the line that begins with `row`.
fn line<'t>(text: &'t str, row: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.trim_start().starts_with(row));
    line.unwrap_or_else(|| panic!("no {row} in\n{text}")).split_whitespace().collect()
}

#[test]
fn a_peer_is_a_multiple_of_the_baseline() {
    let text = tables(&[finding("berth", 4000, 0.0), finding("peer", 116_000, 140.0)], 0);
    let expected = ["RunPodSandbox", "1", "4.00", "4.00", "4.00", "116", "116", "116", "29.0x"];
    assert_eq!(line(&text, "RunPodSandbox"), expected);
    assert_eq!(line(&text, "IdleCpu").last(), Some(&"∞"));
    assert!(text.contains("peer/berth"), "{text}");
}

#[test]
fn what_an_endpoint_lacks_is_said() {
    let mut lacking = finding("peer", 1, 1.0);
    lacking.lacking = vec!["ListContainerStats".to_owned()];
    lacking.figures = Figures::default();
    let text = tables(&[finding("berth", 1, 1.0), lacking], 0);
    assert!(text.contains("lacks ListContainerStats"), "{text}");
    assert_eq!(line(&text, "IdleCpu").last(), Some(&"–"));
}

#[test]
fn numbers_have_three_digits() {
    let shown = [0.0, 0.456, 4.567, 45.67, 456.7, 45678.0].map(|value| number(Some(value)));
    assert_eq!(shown, ["0.00", "0.46", "4.57", "45.7", "457", "45678"]);
}
