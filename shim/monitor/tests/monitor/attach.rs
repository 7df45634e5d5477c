//! Attach: copies of output, input, its end, and clients that do not read.
use std::fs;

use sys::io;

use crate::fixture::{eventually, pod, sandbox_plan};

#[test]
fn output_is_copied_and_still_logged() {
    let mut pod = pod("copy", &sandbox_plan());
    let client = pod.client();
    let mut plan = pod.shell("c1", "read go; echo out; echo err >&2");
    plan.stdio.as_mut().unwrap().stdin = true;
    client.start(&plan);
    let mut first = client.attach("c1", [true, true, true]);
    let second = client.attach("c1", [false, true, false]);
    assert_eq!((first.len(), second.len()), (3, 1));
    io::write(&first[0], b"go\n").unwrap();
    pod.client().wait_exit("c1");
    assert_eq!(io::read_all(first.remove(1), 100).unwrap(), b"out\n");
    assert_eq!(io::read_all(first.remove(1), 100).unwrap(), b"err\n");
    assert_eq!(io::read_all(second.into_iter().next().unwrap(), 100).unwrap(), b"out\n");
    assert_eq!(pod.records("c1").len(), 2);
    pod.finish();
}

#[test]
fn input_of_any_size_arrives_at_the_containers_speed() {
    let mut pod = pod("input", &sandbox_plan());
    let client = pod.client();
    let mut plan = pod.shell("c1", "sleep 0.1; wc -c");
    plan.stdio = Some(proto::monitor::Stdio { stdin: true, stdin_once: true, ..plan.stdio.unwrap() });
    client.start(&plan);
    let writer = client.attach("c1", [true, false, false]).remove(0);
    let megabyte = vec![b'x'; 1 << 20];
    let mut rest = megabyte.as_slice();
    while !rest.is_empty() {
        let io::Transfer::Bytes(count) = io::write(&writer, rest).unwrap() else { panic!("closed") };
        rest = &rest[count..];
    }
    // With stdin_once the end of this client's input is the end of the container's.
    drop(writer);
    assert_eq!(pod.client().wait_exit("c1").exit_code, 0);
    assert_eq!(pod.output("c1"), format!("{}\n", 1 << 20));
    pod.finish();
}

#[test]
fn without_stdin_once_the_next_client_goes_on() {
    let mut pod = pod("next", &sandbox_plan());
    let client = pod.client();
    let mut plan = pod.shell("c1", "read a; read b; echo $a $b");
    plan.stdio.as_mut().unwrap().stdin = true;
    client.start(&plan);
    for line in ["one\n", "two\n"] {
        let writer = client.attach("c1", [true, false, false]).remove(0);
        io::write(&writer, line.as_bytes()).unwrap();
    }
    pod.client().wait_exit("c1");
    assert_eq!(pod.output("c1"), "one two\n");
    pod.finish();
}

#[test]
fn a_client_that_does_not_read_is_dropped() {
    let mut pod = pod("slow", &sandbox_plan());
    let client = pod.client();
    client.start(
        &pod.shell("c1", "while [ ! -e /tmp/go ]; do usleep 1000; done; yes 0123456789 | head -c 4000000"),
    );
    let slow = client.attach("c1", [false, true, false]).remove(0);
    fs::write(pod.dir.join("c1/upper/tmp/x"), "").ok();
    assert_eq!(pod.exec_shell("c1", "touch /tmp/go").0, 0);
    assert_eq!(pod.client().wait_exit("c1").exit_code, 0);
    let seen = io::read_all(slow, 8_000_000).unwrap();
    assert!(seen.len() < 4_000_000, "{}", seen.len());
    assert_eq!(pod.output("c1").len(), 4_000_000);
    pod.finish();
}

#[test]
fn attaching_to_what_is_not_there_ends_at_once() {
    let mut pod = pod("ended", &sandbox_plan());
    let client = pod.client();
    client.start(&pod.shell("c1", "exec 2>&-; read x; sleep 0.2; echo out; while :; do sleep 1; done"));
    // No input was planned, and stderr is closed.
    let mut ends = client.attach("c1", [true, true, true]);
    eventually("output", || pod.output("c1") == "out\n");
    assert_eq!(io::read_all(ends.remove(2), 100).unwrap(), b"");
    client.kill_all("c1");
    pod.client().wait_exit("c1");
    assert_eq!(io::read_all(ends.remove(1), 100).unwrap(), b"out\n");
    let attach = proto::monitor::Attach { container_id: "c1".into(), stdout: true, ..Default::default() };
    let refused = client.call(proto::monitor::request::Request::Attach(attach)).unwrap_err();
    assert_eq!(refused.stage, "not-running");
    pod.finish();
}
