//! Terminals of containers and execs.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::ExecPlan;
use sys::io::{self, Transfer};

use crate::{
    fixture::{eventually, pod, sandbox_plan},
    plans::process,
};

#[test]
fn a_container_with_a_terminal_has_one() {
    let mut pod = pod("tty", &sandbox_plan());
    let script = "tty; for n in 0 1 2; do readlink /proc/$$/fd/$n; done; stat -c %F /dev/console; echo err >&2; while :; do stty size; sleep 0.02; done";
    let mut plan = pod.shell("c1", script);
    plan.process.as_mut().unwrap().terminal = true;
    let client = pod.client();
    client.start(&plan);
    client.resize("c1", 132, 43).unwrap();
    eventually("the new size", || pod.output("c1").contains("43 132"));
    let output = pod.output("c1").replace('\r', "");
    assert!(
        output.starts_with("/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n/dev/pts/0\ncharacter special file\nerr\n"),
        "{output}"
    );
    assert!(pod.records("c1").iter().all(|(head, _)| head == "stdout F" || head == "stdout P"));
    client.kill_all("c1");
    assert_eq!(pod.client().wait_exit("c1").signal, 9);
    pod.finish();
}

#[test]
fn all_output_of_a_terminal_arrives_before_the_exit() {
    let mut pod = pod("ttydrain", &sandbox_plan());
    let mut plan = pod.shell("c1", "seq 1 20000");
    plan.process.as_mut().unwrap().terminal = true;
    pod.client().start(&plan);
    pod.client().wait_exit("c1");
    let output = pod.output("c1");
    assert!(output.lines().map(|line| line.trim_end().parse::<usize>().unwrap()).eq(1..=20_000));
    pod.finish();
}

#[test]
fn input_goes_to_the_terminal_and_control_c_is_a_signal() {
    let mut pod = pod("ttyin", &sandbox_plan());
    let mut plan = pod.shell(
        "c1",
        "trap 'echo interrupted; exit 6' INT; read x; echo got $x; while :; do sleep 0.02; done",
    );
    plan.process.as_mut().unwrap().terminal = true;
    plan.stdio.as_mut().unwrap().stdin = true;
    let client = pod.client();
    client.start(&plan);
    let ends = client.attach("c1", [true, true, false]);
    io::write(&ends[0], b"hello\n").unwrap();
    eventually("echo", || pod.output("c1").contains("got hello"));
    io::write(&ends[0], b"\x03").unwrap();
    assert_eq!(pod.client().wait_exit("c1").exit_code, 6);
    let seen = String::from_utf8(io::read_all(ends.into_iter().nth(1).unwrap(), 4096).unwrap()).unwrap();
    assert!(seen.contains("got hello\r\n") && seen.contains("interrupted"), "{seen:?}");
    pod.finish();
}

#[test]
fn an_exec_with_a_terminal_hands_out_its_master() {
    let mut pod = pod("ttyexec", &sandbox_plan());
    pod.client().start(&pod.shell("c1", "while :; do sleep 1; done"));
    let client = pod.client();
    let mut with_terminal = process(&["sh", "-c", "tty; read x; echo $x; stty size"]);
    with_terminal.terminal = true;
    let plan = ExecPlan { container_id: "c1".into(), process: Some(with_terminal) };
    let (_, mut fds) = client.try_exec(&plan, [None; 3]).unwrap();
    assert_eq!(fds.len(), 2, "pidfd and master");
    let master = fds.remove(1);
    sys::tty::resize(&master, 100, 50).unwrap();
    io::write(&master, b"typed\n").unwrap();
    let text = read_to_end(&master);
    assert!(text.contains("/dev/pts/0\r\n"), "{text:?}");
    assert!(text.ends_with("typed\r\n50 100\r\n"), "{text:?}");
    assert_eq!(client.exited().exit_code, 0);
    pod.finish();
}

#[test]
fn a_container_that_swaps_its_devpts_gets_no_terminal() {
    let mut pod = pod("ttyfake", &sandbox_plan());
    let mut plan = pod.shell(
        "c1",
        "umount /dev/pts; echo fake >/dev/pts/ptmx; touch /tmp/ready; while :; do sleep 1; done",
    );
    let capabilities = plan.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        *set |= 1 << 21;
    }
    pod.client().start(&plan);
    eventually("ready", || pod.dir.join("c1/upper/tmp/ready").exists());
    let mut with_terminal = process(&["true"]);
    with_terminal.terminal = true;
    let exec = ExecPlan { container_id: "c1".into(), process: Some(with_terminal) };
    let failed = pod.client().try_exec(&exec, [None; 3]).unwrap_err();
    assert_eq!(failed.stage, "terminal");
    pod.finish();
}

fn read_to_end(master: &OwnedFd) -> String {
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    while let Transfer::Bytes(count) = io::read(master.as_fd(), &mut buffer).unwrap() {
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(text).unwrap()
}
