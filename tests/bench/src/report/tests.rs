//! The shape that readers of the JSON rely on.
use clap::Parser;

use super::*;

fn finding(name: &str, p50_ms: f64) -> Finding {
    let mut figures = Figures::default();
    figures.push("RunPodSandbox", vec![("p50_ms", p50_ms)]);
    Finding {
        name: name.to_owned(),
        runtime: String::new(),
        cpu_source: "nothing",
        lacking: Vec::new(),
        figures,
    }
}

fn args(endpoints: &[&str]) -> Args {
    Args::parse_from(["berth-bench"].iter().chain(endpoints))
}

#[test]
fn ratios_are_by_row_and_measure_against_the_best_peer() {
    let args = args(&["slow=/a", "berth=/b", "quick=/c"]);
    let json = to_json(&args, &[finding("slow", 120.0), finding("berth", 4.0), finding("quick", 80.0)]);
    assert_eq!(json["baseline"], "berth");
    assert_eq!(json["ratios"], json!({ "RunPodSandbox": { "p50_ms": 20.0 } }));
    assert_eq!(json["ratios_by_peer"]["slow"]["RunPodSandbox"]["p50_ms"], 30.0);
    assert_eq!(json["endpoints"]["berth"]["figures"]["RunPodSandbox"]["p50_ms"], 4.0);
}

#[test]
fn alone_there_is_nothing_to_compare() {
    let json = to_json(&args(&["berth=/b"]), &[finding("berth", 4.0)]);
    assert_eq!(json["ratios"], json!({}));
}
