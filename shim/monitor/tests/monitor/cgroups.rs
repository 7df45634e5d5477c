//! Cgroups: joined before anything runs, seen from inside, OOM kills told.
use std::fs;

use crate::fixture::{is_cgroup_v2, pod, sandbox_plan};

#[test]
fn the_container_is_in_its_cgroup_and_sees_only_it() {
    let mut pod = pod("inside", &sandbox_plan());
    let script = if is_cgroup_v2() {
        "cat /sys/fs/cgroup/cgroup.procs | head -1; cat /proc/self/cgroup; touch /sys/fs/cgroup/x 2>/dev/null || echo ro"
    } else {
        "head -1 /sys/fs/cgroup/pids/cgroup.procs; ls /sys/fs/cgroup; grep -v ':/$' /proc/self/cgroup | cut -d: -f2; mkdir /sys/fs/cgroup/pids/x 2>/dev/null || echo ro"
    };
    let plan = pod.shell("c1", script);
    let (_, output) = pod.run(&plan);
    assert!(output.starts_with("1\n"), "{output}");
    assert!(output.ends_with("ro\n"), "{output}");
    if is_cgroup_v2() {
        assert!(output.contains("\n0::/\n"), "{output}");
    } else {
        for hierarchy in ["memory", "pids", "devices"] {
            assert!(output.contains(&format!("\n{hierarchy}\n")), "{output}");
        }
    }
    pod.finish();
}

#[test]
fn an_oom_kill_is_told() {
    let mut pod = pod("oom", &sandbox_plan());
    let hog = "x=a; while :; do x=$x$x; done";
    let init = pod.shell("init", hog);
    let child = pod.shell("child", &format!("sh -c '{hog}'; exit 3"));
    let peaceful = pod.shell("peaceful", "kill -9 $$; exit 4");
    for plan in [&init, &child, &peaceful] {
        for dir in &plan.cgroup_dirs {
            for file in ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max"] {
                if fs::exists(format!("{dir}/{file}")).unwrap() {
                    fs::write(format!("{dir}/{file}"), "16777216").unwrap();
                }
            }
            if fs::exists(format!("{dir}/memory.swap.max")).unwrap() {
                fs::write(format!("{dir}/memory.swap.max"), "0").unwrap();
            }
        }
    }
    let client = pod.client();
    client.start(&init);
    let exited = pod.client().wait_exit("init");
    assert_eq!((exited.exit_code, exited.oom_killed), (137, true));
    client.start(&child);
    let exited = pod.client().wait_exit("child");
    assert_eq!((exited.exit_code, exited.oom_killed), (3, true));
    client.start(&peaceful);
    assert!(!pod.client().wait_exit("peaceful").oom_killed);
    pod.finish();
}

#[test]
fn a_cgroup_that_is_not_there_fails_the_start() {
    let mut pod = pod("nogroup", &sandbox_plan());
    let mut plan = pod.shell("c1", "true");
    plan.cgroup_dirs = vec!["/sys/fs/cgroup/memory/no-such-group-of-berth".into()];
    assert_eq!(pod.client().try_start(&plan).unwrap_err().stage, "cgroup");
    pod.finish();
}
