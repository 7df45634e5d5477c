//! Exec: streams, exit codes, and the end of the whole tree with its connection.
use std::{fs, os::fd::AsFd};

use proto::monitor::ExecPlan;
use sys::Errno;

use crate::{
    fixture::{eventually, pod, sandbox_plan},
    plans::{exec_with, process},
};

const FOREVER: &str = "while :; do sleep 1; done";

#[test]
fn an_exec_sees_the_container_and_reports_its_end() {
    let mut pod = pod("exec", &sandbox_plan());
    pod.client()
        .start(&pod.shell("c1", &format!("hostname inner 2>/dev/null; echo x >/tmp/mark; {FOREVER}")));
    eventually("mark", || pod.dir.join("c1/upper/tmp/mark").exists());
    assert_eq!(pod.exec_shell("c1", "cat /tmp/mark; hostname; exit 9"), (9, "x\npod-under-test\n".into()));
    assert_eq!(pod.exec_shell("c1", "kill -TERM $$").0, 143);
    let (_, namespaces) = pod.exec_shell(
        "c1",
        "for n in mnt pid net ipc uts cgroup user; do \
         [ $(readlink /proc/self/ns/$n) = $(readlink /proc/1/ns/$n) ] || echo $n; done",
    );
    assert_eq!(namespaces, "");
    let (_, cgroup) = pod.exec_shell("c1", "cat /proc/self/cgroup");
    assert!(cgroup.lines().any(|line| line.ends_with("pids:/") || line == "0::/"), "{cgroup}");
    pod.finish();
}

#[test]
fn all_three_streams_are_the_callers() {
    let mut pod = pod("streams", &sandbox_plan());
    pod.client().start(&pod.shell("c1", FOREVER));
    let client = pod.client();
    let (in_reader, in_writer) = sys::io::pipe().unwrap();
    let (out_reader, out_writer) = sys::io::pipe().unwrap();
    let (err_reader, err_writer) = sys::io::pipe().unwrap();
    let plan =
        ExecPlan { container_id: "c1".into(), process: Some(process(&["sh", "-c", "cat; echo end >&2"])) };
    client
        .try_exec(&plan, [Some(in_reader.as_fd()), Some(out_writer.as_fd()), Some(err_writer.as_fd())])
        .unwrap();
    drop((in_reader, out_writer, err_writer));
    sys::io::write(&in_writer, b"hello").unwrap();
    drop(in_writer);
    assert_eq!(sys::io::read_all(out_reader, 100).unwrap(), b"hello");
    assert_eq!(sys::io::read_all(err_reader, 100).unwrap(), b"end\n");
    assert_eq!(client.exited().exit_code, 0);
    // A user who is not root can open /dev/stderr anew.
    let mut as_user = process(&["sh", "-c", "echo again >/dev/stderr"]);
    as_user.uid = 1000;
    let plan = ExecPlan { container_id: "c1".into(), process: Some(as_user) };
    assert_eq!(exec_with(&pod.client(), &plan), (0, "again\n".into()));
    pod.finish();
}

#[test]
fn a_program_that_is_not_there_is_refused() {
    let mut pod = pod("nothere", &sandbox_plan());
    pod.client().start(&pod.shell("c1", FOREVER));
    let plan = ExecPlan { container_id: "c1".into(), process: Some(process(&["nosuch"])) };
    let failed = pod.client().try_exec(&plan, [None; 3]).unwrap_err();
    assert_eq!((failed.stage.as_str(), failed.errno), ("exec", Errno::ENOENT.0));
    let plan = ExecPlan { container_id: "c9".into(), ..plan };
    assert_eq!(pod.client().try_exec(&plan, [None; 3]).unwrap_err().stage, "no-such-container");
    pod.finish();
}

#[test]
fn a_closed_connection_ends_the_tree_and_nothing_else() {
    let mut pod = pod("tree", &sandbox_plan());
    pod.client().start(&pod.shell("c1", FOREVER));
    let of_exec =
        |pod: &crate::fixture::Pod| pod.commands().iter().filter(|line| line.contains("sleep 100")).count();
    let client = pod.client();
    // Daemons that have left session, parent and process group behind, one that ignores TERM, and a bomb.
    let script = "setsid sh -c 'trap \"\" TERM HUP; (sleep 1001; true) & sleep 1000' & (nohup setsid sleep 1002 &) ; \
                  i=0; while [ $i -lt 50 ]; do i=$((i+1)); sleep 1003 & done; wait; sleep 1004";
    let plan = ExecPlan { container_id: "c1".into(), process: Some(process(&["sh", "-c", script])) };
    client.try_exec(&plan, [None; 3]).unwrap();
    eventually("the tree", || of_exec(&pod) >= 52);
    drop(client);
    eventually("only the container is left", || of_exec(&pod) == 0);
    assert_eq!(pod.exec_shell("c1", "echo alive").1, "alive\n");
    pod.finish();
}

#[test]
fn a_container_takes_its_execs_along() {
    let mut pod = pod("along", &sandbox_plan());
    let starter = pod.client();
    starter.start(&pod.shell("c1", FOREVER));
    let client = pod.client();
    let plan = ExecPlan { container_id: "c1".into(), process: Some(process(&["sleep", "1000"])) };
    client.try_exec(&plan, [None; 3]).unwrap();
    starter.kill_all("c1");
    assert_eq!(client.exited().signal, 9);
    assert_eq!(pod.client().wait_exit("c1").signal, 9);
    pod.finish();
}

#[test]
fn many_at_once_get_their_own_answers() {
    let mut pod = pod("many", &sandbox_plan());
    pod.client().start(&pod.shell("c1", FOREVER));
    let clients: Vec<_> = (0..40)
        .map(|number| {
            let client = pod.client();
            let script = format!("exit {number}");
            let plan = ExecPlan { container_id: "c1".into(), process: Some(process(&["sh", "-c", &script])) };
            client.try_exec(&plan, [None; 3]).unwrap();
            client
        })
        .collect();
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(client.exited().exit_code, i32::try_from(number).unwrap());
    }
    pod.finish();
}

#[test]
fn tracing_neighbours_get_no_host_descriptor() {
    let mut pod = pod("trace", &sandbox_plan());
    // Root with CAP_SYS_PTRACE in the container's PID namespace looks at every new process as fast as it can.
    let spy = "while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] && continue; \
               for l in $p/root $p/cwd $p/fd/*; do readlink $l 2>/dev/null; done; done >>/tmp/seen; done";
    let mut plan = pod.shell("c1", spy);
    let capabilities = plan.process.as_mut().unwrap().capabilities.as_mut().unwrap();
    for set in [&mut capabilities.bounding, &mut capabilities.effective, &mut capabilities.permitted] {
        *set |= 1 << 19;
    }
    pod.client().start(&plan);
    for _ in 0..100 {
        assert_eq!(pod.exec_shell("c1", "true").0, 0);
    }
    let seen = fs::read_to_string(pod.dir.join("c1/upper/tmp/seen")).unwrap();
    assert!(!seen.is_empty());
    let foreign: Vec<&str> = seen
        .lines()
        .filter(|line| {
            !(*line == "/"
                || line.starts_with("pipe:")
                || line.starts_with("socket:")
                || *line == "/dev/null")
        })
        .filter(|line| {
            !(line.starts_with("/proc/") || line.starts_with("/tmp/seen") || line.starts_with("/bin"))
        })
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    pod.finish();
}

#[test]
fn hanging_up_at_any_moment_leaves_nothing_behind() {
    let mut pod = pod("hangup", &sandbox_plan());
    pod.client().start(&pod.shell("c1", FOREVER));
    let plan = ExecPlan { container_id: "c1".into(), process: Some(process(&["sleep", "1009"])) };
    for moment in 0..100 {
        let client = pod.client();
        client.send_exec(&plan);
        std::thread::sleep(std::time::Duration::from_micros(moment * 25));
    }
    eventually("no exec is left", || !pod.commands().iter().any(|line| line.contains("sleep 1009")));
    assert_eq!(pod.exec_shell("c1", "echo alive").1, "alive\n");
    let zombies = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z'; true";
    assert_eq!(pod.exec_shell("c1", zombies).1, "0\n");
    pod.finish();
}
