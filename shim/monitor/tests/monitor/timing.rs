//! Not a test: `cargo test -p monitor -- --ignored --nocapture figures` prints times and memory.
use std::time::Instant;

use proto::monitor::ExecPlan;

use crate::{
    fixture::{pod, sandbox_plan},
    plans::process,
};

fn memory(pid: i32) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let of =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
    format!(
        "rss {} pss {} private clean {} dirty {}",
        of("Rss:"),
        of("Pss:"),
        of("Private_Clean:"),
        of("Private_Dirty:")
    )
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let begin = Instant::now();
    let mut pod = pod("figures", &sandbox_plan());
    println!("spawn to Hello: {:?} (with set-up of the test)", begin.elapsed());
    std::thread::sleep(std::time::Duration::from_millis(100));
    println!("idle: {}", memory(pod.pid));
    let client = pod.client();
    let mut starts = Vec::new();
    for number in 0..50 {
        let mut plan = pod.shell(&format!("c{number}"), "");
        plan.process.as_mut().unwrap().args = vec!["sleep".into(), "1000".into()];
        let begin = Instant::now();
        client.start(&plan);
        starts.push(begin.elapsed());
        if number == 0 {
            println!("one container: {}", memory(pod.pid));
        } else {
            let begin = Instant::now();
            client.kill_all(&plan.container_id);
            pod.client().wait_exit(&plan.container_id);
            client.forget(&plan.container_id).unwrap();
            if number % 10 == 0 {
                println!("stop: {:?}", begin.elapsed());
            }
        }
    }
    starts.sort();
    println!("start: min {:?} p50 {:?} max {:?}", starts[0], starts[25], starts[49]);
    println!("after 50: {}", memory(pod.pid));
    let mut execs = Vec::new();
    for _ in 0..100 {
        let plan = ExecPlan { container_id: "c0".into(), process: Some(process(&["true"])) };
        let begin = Instant::now();
        client.try_exec(&plan, [None; 3]).unwrap();
        client.exited();
        execs.push(begin.elapsed());
    }
    execs.sort();
    println!("exec true: min {:?} p50 {:?} max {:?}", execs[0], execs[50], execs[99]);
    println!("after 100 execs: {}", memory(pod.pid));
    let plan = pod.shell("flood", "yes 0123456789012345678901234567890123456789 | head -c 200000000");
    let begin = Instant::now();
    client.start(&plan);
    pod.client().wait_exit("flood");
    println!("200 MB of log: {:?}", begin.elapsed());
    println!("after the flood: {}", memory(pod.pid));
    pod.finish();
}

#[test]
#[ignore = "prints figures"]
fn memory_of_twenty() {
    let mut pods = Vec::new();
    for _ in 0..20 {
        let mut pod = pod("twenty", &sandbox_plan());
        let mut plan = pod.shell("c1", "");
        plan.process.as_mut().unwrap().args = vec!["sleep".into(), "1000".into()];
        pod.client().start(&plan);
        pods.push(pod);
    }
    println!("one of twenty, each with a container: {}", memory(pods[0].pid));
    println!("{}", std::fs::read_to_string(format!("/proc/{}/smaps", pods[0].pid)).unwrap());
    pods.into_iter().for_each(crate::fixture::Pod::finish);
}
