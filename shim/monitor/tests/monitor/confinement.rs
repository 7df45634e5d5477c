//! What a program is left with: descriptors, environment, capabilities, seccomp, limits, user, paths.
use std::fs;

use proto::monitor::{ExecPlan, Rlimit};

use crate::{
    fixture::{pod, sandbox_plan},
    plans::{exec_with, process},
};

#[test]
fn a_program_has_three_descriptors_and_the_given_environment() {
    let mut pod = pod("clean", &sandbox_plan());
    let mut plan = pod.shell("c1", "");
    // No shell in between: it would open descriptors of its own. `ls` itself opens the fourth.
    plan.process.as_mut().unwrap().args = ["ls", "/proc/self/fd"].map(str::to_owned).to_vec();
    assert_eq!(pod.run(&plan), (0, "0\n1\n2\n3\n".into()));
    plan.process.as_mut().unwrap().args = ["env"].map(str::to_owned).to_vec();
    plan.process.as_mut().unwrap().env.push(b"ODD=\xff=x y".to_vec());
    pod.run(&plan);
    let bytes = fs::read(pod.dir.join("logs/c1.log")).unwrap();
    let last = bytes.split(|byte| *byte == b'\n').rev().nth(1).unwrap();
    assert_eq!(&last[40..], b"ODD=\xff=x y");
    pod.client().start(&pod.shell("c2", "while :; do sleep 1; done"));
    let exec = ExecPlan { container_id: "c2".into(), process: Some(process(&["ls", "/proc/self/fd"])) };
    assert_eq!(exec_with(&pod.client(), &exec), (0, "0\n1\n2\n3\n".into()));
    let status = "grep -E 'SigBlk|SigIgn|SigCgt|NoNewPrivs|Seccomp:' /proc/self/status";
    let exec = ExecPlan {
        container_id: "c2".into(),
        process: Some(process(&status.split(' ').map(|word| word.trim_matches('\'')).collect::<Vec<_>>())),
    };
    let zero = "0000000000000000";
    let expected =
        format!("SigBlk:\t{zero}\nSigIgn:\t{zero}\nSigCgt:\t{zero}\nNoNewPrivs:\t0\nSeccomp:\t0\n");
    assert_eq!(exec_with(&pod.client(), &exec), (0, expected));
    pod.finish();
}

fn status_of(plan: &proto::monitor::Process) -> proto::monitor::Process {
    let mut process = plan.clone();
    process.args = ["grep", "-E", "^(Cap|Uid|Gid|Groups|NoNewPrivs|Seccomp:)", "/proc/self/status"]
        .map(str::to_owned)
        .to_vec();
    process
}

#[test]
fn capabilities_are_exactly_those_asked_for() {
    let mut pod = pod("caps", &sandbox_plan());
    let mut plan = pod.shell("c1", "");
    plan.process = Some(status_of(plan.process.as_ref().unwrap()));
    let (_, output) = pod.run(&plan);
    let set = |name: &str, bits: u64| format!("{name}:\t{bits:016x}\n");
    let caps = crate::plans::DEFAULT_CAPS;
    let own = sys::caps::bounding();
    for (name, bits) in [("CapInh", 0), ("CapPrm", caps), ("CapEff", caps), ("CapBnd", caps), ("CapAmb", 0)] {
        assert!(output.contains(&set(name, bits)), "{name}: {output}");
    }
    // As another user, with everything asked for: nothing beyond the monitor's own, ambient where inheritable.
    let process = plan.process.as_mut().unwrap();
    let all = process.capabilities.as_mut().unwrap();
    (all.bounding, all.permitted, all.inheritable, all.ambient) = (u64::MAX, u64::MAX, 0b11, 0b111);
    all.effective = 0;
    (process.uid, process.gid) = (1000, 1001);
    process.additional_gids = vec![5, 2000];
    let (_, output) = pod.run(&plan);
    // exec by a user who is not root leaves what is ambient.
    for (name, bits) in
        [("CapInh", 0b11), ("CapPrm", 0b11), ("CapEff", 0b11), ("CapBnd", own), ("CapAmb", 0b11)]
    {
        assert!(output.contains(&set(name, bits)), "{name}: {output}");
    }
    assert!(
        output.contains("Uid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\nGroups:\t5 2000"),
        "{output}"
    );
    pod.finish();
}

/// `mkdir` and `mkdirat` fail with EPERM, all else is allowed. struct sock_filter in native order.
fn no_mkdir() -> Vec<u8> {
    let (mkdir, mkdirat) = if cfg!(target_arch = "x86_64") { (83, 258) } else { (u32::MAX, 34) };
    let program: [(u16, u8, u8, u32); 5] = [
        (0x20, 0, 0, 0),               // load the system call's number
        (0x15, 1, 0, mkdir),           // equal: skip one
        (0x15, 0, 1, mkdirat),         // not equal: skip one
        (0x06, 0, 0, 0x0005_0000 | 1), // SECCOMP_RET_ERRNO, EPERM
        (0x06, 0, 0, 0x7fff_0000),     // SECCOMP_RET_ALLOW
    ];
    let mut bytes = Vec::new();
    for (code, jt, jf, k) in program {
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&[jt, jf]);
        bytes.extend_from_slice(&k.to_ne_bytes());
    }
    bytes
}

#[test]
fn seccomp_holds_with_and_without_new_privileges() {
    let mut pod = pod("seccomp", &sandbox_plan());
    for (id, no_new_privileges, uid) in
        [("c1", false, 0), ("c2", true, 0), ("c3", false, 1000), ("c4", true, 1000)]
    {
        let mut plan =
            pod.shell(id, "mkdir /tmp/x && echo made; grep -E '^(NoNewPrivs|Seccomp:)' /proc/self/status");
        let process = plan.process.as_mut().unwrap();
        process.seccomp_filter = no_mkdir();
        process.no_new_privileges = no_new_privileges;
        process.uid = uid;
        let (_, output) = pod.run(&plan);
        let flag = i32::from(no_new_privileges);
        assert!(output.contains(&format!("NoNewPrivs:\t{flag}\nSeccomp:\t2\n")), "{output}");
        assert!(!output.contains("made") && output.contains("Operation not permitted"), "{output}");
    }
    let mut plan = pod.shell("c5", "true");
    plan.process.as_mut().unwrap().seccomp_filter = vec![1, 2, 3];
    assert_eq!(pod.client().try_start(&plan).unwrap_err().stage, "seccomp");
    pod.finish();
}

#[test]
fn limits_umask_and_oom_score_are_set() {
    let mut pod = pod("limits", &sandbox_plan());
    let mut plan = pod.shell("c1", "ulimit -Sn; ulimit -Hn; ulimit -c; umask; cat /proc/self/oom_score_adj");
    let process = plan.process.as_mut().unwrap();
    // RLIMIT_NOFILE 7; RLIMIT_CORE 4, more than this machine may grant.
    process.rlimits =
        vec![Rlimit { resource: 7, soft: 100, hard: 200 }, Rlimit { resource: 4, soft: 0, hard: u64::MAX }];
    process.umask = 0o027;
    process.oom_score_adj = Some(500);
    assert_eq!(pod.run(&plan).1, "100\n200\n0\n0027\n500\n");
    pod.finish();
}

#[test]
fn masked_and_readonly_paths_are() {
    let mut pod = pod("masked", &sandbox_plan());
    let script = "wc -c </proc/timer_list; ls /sys/firmware /proc/acpi 2>/dev/null | grep -v ':$' | grep -c .; \
                  echo 1 >/proc/sys/kernel/domainname || echo ro; echo x >/proc/timer_list && wc -c </proc/timer_list; \
                  touch /sys/firmware/x || echo ro; stat -c '%F %t:%T' /proc/timer_list";
    let plan = pod.shell("c1", script);
    pod.run(&plan);
    let lines: Vec<String> =
        pod.records("c1").into_iter().filter(|(head, _)| head == "stdout F").map(|(_, text)| text).collect();
    assert_eq!(lines, ["0", "0", "ro", "0", "ro", "character special file 1:3"]);
    pod.finish();
}

#[test]
fn working_directories_that_lead_out_are_refused() {
    let mut pod = pod("cwd", &sandbox_plan());
    std::os::unix::fs::symlink("/proc/self/fd/3", {
        pod.layer();
        pod.dir.join("layer/trap")
    })
    .unwrap();
    let client = pod.client();
    let mut number = 0;
    for cwd in
        ["/proc/self/fd/0", "/proc/self/fd/3", "/proc/self/fd/8", "/proc/1/cwd", "/proc/self/root", "/trap"]
    {
        number += 1;
        let mut plan = pod.shell(&format!("c{number}"), "pwd");
        plan.process.as_mut().unwrap().cwd = cwd.into();
        assert_eq!(client.try_start(&plan).unwrap_err().stage, "cwd", "{cwd}");
    }
    let mut plan = pod.shell("made", "pwd; stat -c %a .");
    plan.process.as_mut().unwrap().cwd = "/new/work/../dir".into();
    assert_eq!(client.try_start(&plan).unwrap_err().stage, "cwd", "dots among missing parts");
    plan.process.as_mut().unwrap().cwd = "/new/work".into();
    assert_eq!(pod.run(&plan), (0, "/new/work\n755\n".into()));
    client.start(&pod.shell("running", "while :; do sleep 1; done"));
    for cwd in ["/proc/self/fd/3", "/proc/1/cwd", "/no/such"] {
        let mut process = process(&["pwd"]);
        process.cwd = cwd.into();
        let exec = ExecPlan { container_id: "running".into(), process: Some(process) };
        assert_eq!(client.try_exec(&exec, [None; 3]).unwrap_err().stage, "cwd", "{cwd}");
    }
    pod.finish();
}

#[test]
fn an_apparmor_profile_is_in_force() {
    let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default();
    if enabled.trim() != "Y" {
        println!("skipped: this kernel has no AppArmor");
        return;
    }
    let mut pod = pod("apparmor", &sandbox_plan());
    let name = format!("berth-test-{}", std::process::id());
    let file = pod.dir.join("profile");
    fs::write(&file, format!("profile {name} flags=(attach_disconnected) {{ file, deny /etc/** w, }}\n"))
        .unwrap();
    let parser =
        |flag: &str| sys::process::command("/sbin/apparmor_parser").arg(flag).arg(&file).status().unwrap();
    assert!(parser("-aK").success());
    let script =
        "cat /proc/self/attr/current; touch /tmp/x && echo tmp; touch /etc/x 2>/dev/null || echo denied";
    let mut plan = pod.shell("c1", script);
    plan.process.as_mut().unwrap().apparmor_profile = name.clone();
    let (_, output) = pod.run(&plan);
    pod.client().start(&pod.shell("c2", "while :; do sleep 1; done"));
    let mut confined = process(&["cat", "/proc/self/attr/current"]);
    confined.apparmor_profile = name.clone();
    let exec = ExecPlan { container_id: "c2".into(), process: Some(confined) };
    let executed = exec_with(&pod.client(), &exec);
    let mut missing = pod.shell("c3", "true");
    missing.process.as_mut().unwrap().apparmor_profile = "berth-no-such-profile".into();
    let refused = pod.client().try_start(&missing).unwrap_err();
    assert!(parser("-R").success());
    assert_eq!(output, format!("{name} (enforce)\ntmp\ndenied\n"));
    assert_eq!(executed, (0, format!("{name} (enforce)\n")));
    assert_eq!((refused.stage.as_str(), refused.errno), ("apparmor", sys::Errno::ENOENT.0));
    pod.finish();
}
