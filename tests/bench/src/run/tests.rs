//! Whole runs against fake runtimes: all is measured, and nothing is left whatever happens.
use std::path::Path;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::report;

mod fake;

use fake::Fake;

/// A run of seconds with two endpoints and no cgroups.
fn args(dir: &Path, more: &[&str]) -> Args {
    let dir = dir.display();
    let given = [
        "berth-bench".to_owned(),
        format!("peer={dir}/peer.sock"),
        format!("berth={dir}/berth.sock"),
        format!("--log-directory={dir}/logs"),
    ];
    let common = ["--cgroup-parent=", "--settle-ms=0", "--iterations=3", "--parallel=2"];
    let quick = ["--density=4", "--idle-seconds=1"];
    Args::parse_from(given.iter().map(String::as_str).chain(common).chain(quick).chain(more.iter().copied()))
}

/// The fakes run on the threads of the test's runtime.
fn serve(dir: &TempDir, peer: Fake, berth: Fake) -> (Arc<Fake>, Arc<Fake>) {
    (peer.serve(&dir.path().join("peer.sock")), berth.serve(&dir.path().join("berth.sock")))
}

fn never() -> impl Future<Output = &'static str> {
    std::future::pending()
}

fn assert_clean(dir: &TempDir, fakes: [&Fake; 2]) {
    assert_eq!(fakes.map(Fake::pods), [0, 0]);
    assert_eq!(std::fs::read_dir(dir.path().join("logs")).unwrap().count(), 0);
}

#[tokio::test]
async fn every_part_is_measured_for_every_endpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (peer, berth) = serve(&dir, Fake::default(), Fake::default());
    let args = args(dir.path(), &["--pulls=2"]);
    let findings = Box::pin(run(&args, never())).await.unwrap();
    assert_clean(&dir, [&peer, &berth]);

    assert_eq!(berth.most_pods(), 4, "the pods of --density stand at the same time");
    // One to warm up, three alone, two batches of two, four that stand.
    assert_eq!(berth.calls("run_pod_sandbox"), 1 + 3 + 2 * 2 + 4);
    for finding in &findings {
        assert_eq!(finding.runtime, "fake 1.0.0");
        assert_eq!(finding.lacking, ["ListContainerStats"]);
        for row in
            ["RunPodSandbox", "ExecSync", "StopContainer/parallel", "ListContainers/dense", "PullImage"]
        {
            assert!(finding.figures.get(row, "p99_ms").is_some(), "no {row}");
        }
        for (row, measure) in [
            ("PodCycle", "machine_cpu_ms"),
            ("PodCycle/parallel", "runtime_cpu_ms"),
            ("MemoryIdle", "daemon_kib"),
            ("MemoryPerPod", "kib"),
            ("IdleCpu", "runtime_cpu_ms_per_s"),
            ("FleetUp", "wall_ms"),
        ] {
            assert!(finding.figures.get(row, measure).is_some(), "no {measure} of {row}");
        }
    }
    let json = report::to_json(&args, &findings);
    assert!(json["ratios"]["RunPodSandbox"]["p50_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn an_error_leaves_no_pod_behind() {
    let dir = tempfile::tempdir().unwrap();
    let failing = Fake::failing("start_container", 3);
    let (peer, berth) = serve(&dir, Fake::default(), failing);
    let error = Box::pin(run(&args(dir.path(), &[]), never())).await.unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("berth, pod 2") && text.contains("StartContainer"), "{text}");
    assert_clean(&dir, [&peer, &berth]);
}

#[tokio::test]
async fn a_signal_in_the_middle_of_a_call_leaves_no_pod_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (peer, berth) = serve(&dir, Fake::default(), Fake::hanging());
    let waiting = Arc::clone(&berth);
    let signal = async move {
        while waiting.calls("create_container") == 0 {
            tokio::task::yield_now().await;
        }
        "SIGINT"
    };
    let error = Box::pin(run(&args(dir.path(), &[]), signal)).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "ended by SIGINT");
    assert_eq!(berth.most_pods(), 1);
    assert_clean(&dir, [&peer, &berth]);
}

#[tokio::test]
async fn pods_of_others_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let failing = Fake::failing("stop_container", 1);
    let (peer, berth) = serve(&dir, Fake::default(), failing);
    berth.add_foreign_pod();
    Box::pin(run(&args(dir.path(), &[]), never())).await.unwrap_err();
    assert_eq!([peer.pods(), berth.pods()], [0, 1]);
    assert_eq!(clean(&args(dir.path(), &[])).await.unwrap(), 0);
    assert_eq!(berth.pods(), 1);
}
