use serde_json::{Value, json};

use super::{Count, State, parse};

fn entry(kind: &str, texts: &[&str], state: &str, message: &str) -> Value {
    let (leaf, above) = texts.split_last().unwrap();
    json!({
        "ContainerHierarchyTexts": above, "LeafNodeType": kind, "LeafNodeText": leaf, "State": state,
        "StartTime": "2026-01-02T03:04:05Z", "EndTime": "2026-01-02T03:04:06.5Z", "RunTime": 1_500_000_000,
        "Failure": { "Message": message },
    })
}

fn report(entries: &[Value]) -> Vec<u8> {
    json!([{ "SuiteDescription": "CRI validation", "SpecReports": entries }]).to_string().into_bytes()
}

#[test]
fn every_state_counts_as_passed_failed_or_skipped() {
    let specs = parse(&report(&[
        entry("It", &["[k8s.io] Pod", "runs"], "passed", ""),
        entry("It", &["[k8s.io] Pod", "stops"], "failed", "expected\n  <int>: 1"),
        entry("It", &["[k8s.io] Pod", "hangs"], "timedout", "A suite timeout occurred"),
        entry("It", &["[k8s.io] Pod", "panics"], "panicked", "Test Panicked"),
        entry("It", &["[k8s.io] NRI", "adjusts"], "skipped", "no socket"),
        entry("It", &["[k8s.io] Other", "is left out by focus"], "skipped", ""),
        entry("It", &["[k8s.io] Image", "benchmark about pulls"], "skipped", "not asked for"),
        entry("BeforeSuite", &[""], "passed", ""),
    ]))
    .unwrap();
    assert_eq!(Count::of(&specs).to_string(), "1 passed, 3 failed, 1 skipped");
    let failed = specs.iter().find(|spec| spec.name == "[k8s.io] Pod stops").unwrap();
    assert_eq!((failed.state, failed.message.as_str()), (State::Failed, "expected <int>: 1"));
    assert!((failed.seconds - 1.5).abs() < 1e-9);
}

#[test]
fn a_suite_that_could_not_begin_is_an_error() {
    let refused = parse(&report(&[entry("BeforeSuite", &[""], "failed", "cannot connect")])).unwrap_err();
    assert_eq!(refused.text(), "BeforeSuite failed: cannot connect");
}

#[test]
fn an_empty_choice_is_no_error() {
    assert!(parse(br#"[{"SpecReports": null}]"#).unwrap().is_empty());
}
