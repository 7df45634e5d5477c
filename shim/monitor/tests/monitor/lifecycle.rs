//! From start to forget: exit codes, signals, records, events, refusals, the monitor's own end.
use std::fs;

use proto::{
    monitor::{Exited, Watch, request},
    prost::Message,
};
use sys::{Errno, pidfd};

use crate::fixture::{eventually, pod, sandbox_plan};

#[test]
fn a_container_runs_logs_exits_and_is_recorded() {
    let mut pod = pod("runs", &sandbox_plan());
    let plan = pod.shell("c1", "echo out; echo err >&2; exit 7");
    let client = pod.client();
    let (started, pidfd) = client.try_start(&plan).unwrap();
    let exited = pod.client().wait_exit("c1");
    assert_eq!((exited.exit_code, exited.signal, exited.oom_killed), (7, 0, false));
    assert_eq!(exited.pid, started.pid);
    assert!(exited.started_at_ns >= started.started_at_ns && exited.finished_at_ns >= exited.started_at_ns);
    assert_eq!(pidfd::send_signal(&pidfd, 0).unwrap_err().errno, Errno::ESRCH);
    let mut records = pod.records("c1");
    records.sort();
    assert_eq!(records, [("stderr F".into(), "err".into()), ("stdout F".into(), "out".into())]);
    let record = fs::read(pod.dir.join("state/exits/c1")).unwrap();
    assert_eq!(Exited::decode(&*record).unwrap(), exited);
    assert!(!pod.dir.join("state/exits/c1.tmp").exists());
    client.forget("c1").unwrap();
    assert_eq!(client.forget("c1").unwrap_err().stage, "no-such-container");
    pod.finish();
}

#[test]
fn signals_arrive_and_are_told() {
    let mut pod = pod("signals", &sandbox_plan());
    let client = pod.client();
    client
        .start(&pod.shell("trap", "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.01; done"));
    eventually("trap set", || pod.output("trap").contains("ready"));
    client.signal("trap", 15).unwrap();
    assert_eq!(pod.client().wait_exit("trap").exit_code, 3);
    assert_eq!(pod.output("trap"), "ready\ngot\n");
    assert_eq!(client.signal("trap", 15).unwrap_err().stage, "not-running");
    assert_eq!(client.signal("nobody", 15).unwrap_err().stage, "no-such-container");
    client.start(&pod.shell("stubborn", "trap '' TERM; while :; do sleep 1; done"));
    client.kill_all("stubborn");
    let exited = pod.client().wait_exit("stubborn");
    assert_eq!((exited.exit_code, exited.signal), (137, 9));
    pod.finish();
}

#[test]
fn watchers_hear_the_past_then_the_present() {
    let mut pod = pod("watch", &sandbox_plan());
    let (client, watcher) = (pod.client(), pod.client());
    client.start(&pod.shell("past", "exit 1"));
    pod.client().wait_exit("past");
    client.start(&pod.shell("now", "read x"));
    pod.client().wait_exit("now");
    watcher.send(request::Request::Watch(Watch {}), &[]);
    let first = [watcher.event(), watcher.event()];
    assert!(first.iter().all(|event| event.started.is_some() && event.exited.is_some() && !event.synced));
    assert!(watcher.event().synced);
    client.start(&pod.shell("new", "sleep 0.05; exit 4"));
    let started = watcher.event();
    assert_eq!((started.container_id.as_str(), started.exited), ("new", None));
    let ended = watcher.event();
    assert_eq!(ended.exited.unwrap().exit_code, 4);
    pod.finish();
}

#[test]
fn a_program_that_cannot_run_leaves_nothing() {
    let mut pod = pod("fails", &sandbox_plan());
    let client = pod.client();
    let mut plan = pod.shell("c1", "");
    fs::write(pod.dir.join("layer/etc/text"), "no program").unwrap();
    for (args, errno) in
        [("/no/such", Errno::ENOENT), ("nosuch", Errno::ENOENT), ("/etc/text", Errno::EACCES)]
    {
        plan.process.as_mut().unwrap().args = vec![args.into()];
        let failed = client.try_start(&plan).unwrap_err();
        assert_eq!((failed.stage.as_str(), failed.errno), ("exec", errno.0), "{failed:?}");
    }
    eventually("no process", || pod.processes().is_empty());
    // The same id may be tried again: nothing remembers it.
    plan.process.as_mut().unwrap().args = vec!["true".into()];
    assert_eq!(pod.run(&plan).0, 0);
    pod.finish();
}

#[test]
fn wrong_requests_are_refused_and_harm_nothing() {
    let mut pod = pod("wrong", &sandbox_plan());
    let client = pod.client();
    let plan = pod.shell("c1", "while :; do sleep 1; done");
    client.start(&plan);
    assert_eq!(client.try_start(&plan).unwrap_err().stage, "already-exists");
    assert_eq!(client.forget("c1").unwrap_err().stage, "running");
    let mut other = pod.shell("c2", "");
    other.container_id = "../../x".into();
    assert_eq!(client.try_start(&other).unwrap_err().stage, "plan");
    other.container_id = "c3".into();
    other.process = None;
    assert_eq!(client.try_start(&other).unwrap_err().stage, "plan");
    // A start without its plan, garbage, and a connection that says nothing.
    client.send(request::Request::Start(proto::monitor::Start { container_id: "c4".into() }), &[]);
    assert!(matches!(client.recv().0, proto::monitor::reply::Reply::Failed(_)));
    let _silent = pod.client();
    assert_eq!(client.resize("c1", 80, 24).unwrap_err().stage, "terminal");
    pod.finish();
}

#[test]
fn shutdown_ends_everything_and_records_it() {
    let mut pod = pod("shutdown", &sandbox_plan());
    let client = pod.client();
    for id in ["c1", "c2", "c3"] {
        client.start(&pod.shell(id, "trap '' TERM; while :; do sleep 1; done"));
    }
    client.shutdown();
    for id in ["c1", "c2", "c3"] {
        let record = fs::read(pod.dir.join("state/exits").join(id)).unwrap();
        assert_eq!(Exited::decode(&*record).unwrap().signal, 9);
    }
    pod.wait();
    pod.prove_empty();
}

#[test]
fn containers_end_with_a_monitor_that_is_killed() {
    let mut pod = pod("killed", &sandbox_plan());
    let client = pod.client();
    client.start(&pod.shell("c1", "sleep 1000 & while :; do sleep 1; done"));
    let mut other_user = pod.shell("c2", "while :; do sleep 1; done");
    other_user.process.as_mut().unwrap().uid = 1000;
    client.start(&other_user);
    assert!(!pod.processes().is_empty());
    pod.kill_monitor();
    pod.prove_empty();
}

#[test]
fn the_monitor_outlives_its_sockets_directory() {
    let mut pod = pod("rundir", &sandbox_plan());
    let client = pod.client();
    fs::remove_file(pod.dir.join("state/m.sock")).unwrap();
    assert_eq!(client.try_start(&pod.shell("c1", "while :; do sleep 1; done")).map(drop), Ok(()));
    client.shutdown();
    pod.wait();
    pod.prove_empty();
}

#[test]
fn clients_that_do_not_read_or_talk_nonsense_are_dropped() {
    let mut pod = pod("deaf", &sandbox_plan());
    pod.client().start(&pod.shell("c1", "while :; do sleep 1; done"));
    let deaf = pod.client();
    let dropped = (0..100_000).any(|_| !deaf.try_send(&request::Request::Watch(Watch {})));
    assert!(dropped, "the monitor waits for nobody");
    let mad = pod.client();
    mad.send_bytes(&[0xff; 100]);
    assert!(matches!(mad.recv().0, proto::monitor::reply::Reply::Failed(_)));
    // Longer than any message: the connection is closed.
    mad.send_bytes(&vec![0; 100_000]);
    assert!(mad.try_recv().is_none());
    assert_eq!(pod.exec_shell("c1", "echo alive").1, "alive\n");
    pod.finish();
}
