//! PID namespaces: the container's own, the pod's, another container's, the host's.
use proto::monitor::{ExecPlan, PidMode};

use crate::{
    fixture::{eventually, pod, sandbox_plan},
    plans::process,
};

const FOREVER: &str = "while :; do sleep 1; done";

#[test]
fn a_container_of_its_own_is_process_one() {
    let mut pod = pod("own", &sandbox_plan());
    let plan = pod.shell("c1", "echo $$; cat /proc/1/comm; true");
    let (_, output) = pod.run(&plan);
    assert!(output == "1\nsh\n", "{output}");
    pod.finish();
}

#[test]
fn a_shared_namespace_is_held_by_a_pause_process_with_nothing() {
    let mut plan = sandbox_plan();
    plan.shared_pid = true;
    let mut pod = pod("shared", &plan);
    let pause = pod.hello.pause_pid;
    assert!(pause > 0);
    let status = std::fs::read_to_string(format!("/proc/{pause}/status")).unwrap();
    assert!(status.starts_with("Name:\tberth-pause\n"), "{status}");
    for set in ["CapPrm", "CapEff", "CapBnd", "CapInh"] {
        assert!(status.contains(&format!("{set}:\t0000000000000000")), "{status}");
    }
    assert_eq!(std::fs::read_dir(format!("/proc/{pause}/fd")).unwrap().count(), 0);
    let root: Vec<_> =
        std::fs::read_dir(format!("/proc/{pause}/root")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(root.len(), 3, "{root:?}: only what the blank namespace has");

    let mut first = pod.shell("c1", &format!("(setsid sleep 1001 &); {FOREVER}"));
    first.pid_mode = PidMode::Pod.into();
    pod.client().start(&first);
    let mut second = pod.shell("c2", "cat /proc/1/comm; for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline; echo; done 2>/dev/null | grep -c '^sleep 1001'");
    second.pid_mode = PidMode::Pod.into();
    eventually("sleep", || pod.commands().iter().any(|line| line.contains("sleep 1001")));
    let (code, output) = pod.run(&second);
    assert_eq!((code, output.as_str()), (0, "berth-pause\n1\n"));
    let exec = pod.exec_shell("c1", "cat /proc/1/comm; ls /tmp");
    assert_eq!(exec, (0, "berth-pause\n".into()));
    // An orphan of the first container is killed with it, though the namespace lives on.
    pod.client().signal("c1", 9).unwrap();
    assert_eq!(pod.client().wait_exit("c1").signal, 9);
    eventually("the orphan", || pod.processes().is_empty());
    assert!(std::fs::metadata(format!("/proc/{pause}")).is_ok());
    pod.finish();
    eventually("pause", || std::fs::metadata(format!("/proc/{pause}")).is_err());
}

#[test]
fn orphans_in_a_shared_namespace_are_reaped() {
    let mut plan = sandbox_plan();
    plan.shared_pid = true;
    let mut pod = pod("zombies", &plan);
    let mut container = pod.shell("c1", "i=0; while [ $i -lt 200 ]; do i=$((i+1)); (true &); done; sleep 0.1; cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z' ; true");
    container.pid_mode = PidMode::Pod.into();
    assert_eq!(pod.run(&container), (0, "0\n".into()));
    pod.finish();
}

#[test]
fn another_containers_namespace_can_be_joined() {
    let mut pod = pod("target", &sandbox_plan());
    pod.client().start(&pod.shell("c1", "exec sleep 1005"));
    let mut plan = pod.shell("c2", "cat /proc/1/cmdline | tr '\\0' ' '; [ $$ -gt 1 ] && echo joined");
    plan.pid_mode = PidMode::Target.into();
    plan.target_container_id = "c1".into();
    assert_eq!(pod.run(&plan), (0, "sleep 1005 joined\n".into()));
    plan.container_id = "c3".into();
    plan.target_container_id = "nobody".into();
    assert_eq!(pod.client().try_start(&plan).unwrap_err().stage, "no-such-container");
    pod.finish();
}

#[test]
fn on_the_hosts_pids_the_rest_dies_with_the_first() {
    let mut pod = pod("hostpid", &sandbox_plan());
    // The grandchild keeps the output open; nobody else would end it.
    let mut plan = pod.shell(
        "c1",
        "(setsid sleep 1006 &); [ -d /proc/$$ ] && ls -d /proc/[0-9]* 2>/dev/null | wc -l; sleep 0.1; exit 8",
    );
    plan.pid_mode = PidMode::Host.into();
    let (code, output) = pod.run(&plan);
    assert_eq!(code, 8);
    assert!(output.trim().parse::<usize>().unwrap() > 2, "{output}");
    eventually("the grandchild", || pod.processes().is_empty());
    // An exec in it ends with its tree as well.
    let mut plan = pod.shell("c2", FOREVER);
    plan.pid_mode = PidMode::Host.into();
    pod.client().start(&plan);
    let client = pod.client();
    let script = "setsid sleep 1007 & sleep 1008";
    let exec = ExecPlan { container_id: "c2".into(), process: Some(process(&["sh", "-c", script])) };
    client.try_exec(&exec, [None; 3]).unwrap();
    let of_exec =
        |pod: &crate::fixture::Pod| pod.commands().iter().filter(|line| line.contains("sleep 100")).count();
    eventually("the tree", || of_exec(&pod) >= 2);
    drop(client);
    eventually("its end", || of_exec(&pod) == 0);
    pod.finish();
}
