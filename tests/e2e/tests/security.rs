//! What a container may not do: capabilities, seccomp, privileges, masked and read-only paths, a read-only root.

use harness::{Container, Node, Result, RunningPod, container, run};
use proto::cri::{SecurityProfile, security_profile::ProfileType};

async fn probe(
    node: &Node,
    pod: &RunningPod,
    line: &str,
    change: impl FnOnce(Container) -> Container,
) -> Result<String> {
    node.output(pod, &change(container("probe").shell(line))).await
}

fn profile(kind: ProfileType) -> SecurityProfile {
    SecurityProfile { profile_type: kind.into(), localhost_ref: String::new() }
}

/// One line of /proc/self/status, as a number.
async fn status_bits(
    node: &Node,
    pod: &RunningPod,
    field: &str,
    change: impl FnOnce(Container) -> Container,
) -> Result<u64> {
    let text = probe(node, pod, &format!("grep ^{field}: /proc/self/status"), change).await?;
    let value = text.split_whitespace().nth(1).unwrap_or_default().to_owned();
    Ok(u64::from_str_radix(&value, 16)?)
}

const CHOWN: u64 = 1;
const NET_BIND_SERVICE: u64 = 1 << 10;
const NET_ADMIN: u64 = 1 << 12;
const SYS_ADMIN: u64 = 1 << 21;

#[test]
fn capabilities_are_few_and_change_as_asked() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let usual = status_bits(&node, &pod, "CapEff", |one| one).await?;
        assert!(usual & CHOWN != 0 && usual & NET_BIND_SERVICE != 0, "{usual:x}");
        assert!(usual & (NET_ADMIN | SYS_ADMIN) == 0, "{usual:x}");
        assert_eq!(status_bits(&node, &pod, "CapInh", |one| one).await?, 0, "nothing is inheritable");
        assert_eq!(status_bits(&node, &pod, "CapAmb", |one| one).await?, 0);
        let more = status_bits(&node, &pod, "CapEff", |one| one.capabilities(&["NET_ADMIN"], &[])).await?;
        assert_eq!(more, usual | NET_ADMIN);
        let less = status_bits(&node, &pod, "CapBnd", |one| one.capabilities(&[], &["CAP_CHOWN"])).await?;
        assert_eq!(less, usual & !CHOWN, "a capability may be named with or without CAP_");
        let only =
            status_bits(&node, &pod, "CapEff", |one| one.capabilities(&["NET_ADMIN"], &["ALL"])).await?;
        assert_eq!(only, NET_ADMIN);
        let user = status_bits(&node, &pod, "CapEff", |one| one.user(1000, None)).await?;
        assert_eq!(user, 0, "another user has none in effect");
        let mut wanted = node.pod("privileged");
        wanted.security().privileged = true;
        let trusted = node.run_pod(&wanted).await?;
        let own = status_bits(&node, &trusted, "CapBnd", |mut one| {
            one.security().privileged = true;
            one
        });
        let all = own.await?;
        let nodes = std::fs::read_to_string("/proc/self/status")?;
        let nodes =
            nodes.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).unwrap_or_default().to_owned();
        assert_eq!(all, u64::from_str_radix(&nodes, 16)?, "privileged has all that the node has");
        node.finish().await
    })
}

#[test]
fn an_unknown_capability_is_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let answer = node.create(&pod, &container("c").capabilities(&["FLY"], &[])).await;
        e2e::refused(answer, &[tonic::Code::InvalidArgument], &["FLY"])?;
        node.finish().await
    })
}

#[test]
fn seccomp_is_on_by_name_and_off_by_name() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mode = "grep ^Seccomp: /proc/self/status";
        let unconfined =
            probe(&node, &pod, mode, |one| one.seccomp(profile(ProfileType::Unconfined))).await?;
        assert_eq!(unconfined.split_whitespace().nth(1), Some("0"));
        let on = |one: Container| one.seccomp(profile(ProfileType::RuntimeDefault));
        assert_eq!(probe(&node, &pod, mode, on).await?.split_whitespace().nth(1), Some("2"));
        // Creating a user namespace is what the default forbids and a plain user otherwise may.
        let denied = probe(&node, &pod, "unshare -U true 2>&1 || echo denied", on).await?;
        assert!(denied.contains("denied"), "{denied}");
        let id = node.start_container(&pod, &on(container("sleeper").shell("exec sleep 1000"))).await?;
        let exec = node.cri.shell(&id, mode).await?;
        assert_eq!(exec.split_whitespace().nth(1), Some("2"), "exec is confined too");
        node.finish().await
    })
}

#[test]
fn a_profile_of_the_node_is_applied_and_a_missing_one_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let file = node.slot.dir().join("profile.json");
        let text = r#"{ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [ { "names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1 } ] }"#;
        std::fs::write(&file, text)?;
        let local = |path: &std::path::Path| SecurityProfile {
            profile_type: ProfileType::Localhost.into(),
            localhost_ref: path.to_string_lossy().into_owned(),
        };
        let text =
            probe(&node, &pod, "mkdir /tmp/x 2>&1 || echo denied", |one| one.seccomp(local(&file))).await?;
        assert!(text.contains("denied") && text.contains("not permitted"), "{text}");
        let missing = node.slot.dir().join("missing.json");
        let answer = node.create(&pod, &container("missing").seccomp(local(&missing))).await;
        e2e::refused(answer, &[tonic::Code::InvalidArgument, tonic::Code::NotFound], &["missing.json"])?;
        let empty =
            SecurityProfile { profile_type: ProfileType::Localhost.into(), localhost_ref: String::new() };
        let answer = node.create(&pod, &container("empty").seccomp(empty)).await;
        e2e::refused(answer, &[tonic::Code::InvalidArgument], &["seccomp"])?;
        node.finish().await
    })
}

#[test]
fn new_privileges_can_be_forbidden() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        for (forbidden, wanted) in [(true, "1"), (false, "0")] {
            let text = probe(&node, &pod, "grep ^NoNewPrivs: /proc/self/status", |mut one| {
                one.security().no_new_privs = forbidden;
                one
            });
            assert_eq!(text.await?.split_whitespace().nth(1), Some(wanted));
        }
        node.finish().await
    })
}

#[test]
fn a_read_only_root_takes_no_writes_and_mounts_still_do() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let data = node.slot.dir().join("data");
        std::fs::create_dir_all(&data)?;
        let line = "touch /x 2>&1 || true; touch /data/y && echo wrote; echo z > /dev/shm/z && echo shm";
        let text = probe(&node, &pod, line, |mut one| {
            one.security().readonly_rootfs = true;
            one.mount(&data, "/data", false)
        });
        let text = text.await?;
        assert!(
            text.contains("Read-only file system") && text.contains("wrote") && text.contains("shm"),
            "{text}"
        );
        assert!(data.join("y").exists());
        node.finish().await
    })
}

#[test]
fn paths_are_masked_and_read_only_as_asked() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "cat /etc/passwd | wc -c; ls /srv | wc -l; touch /tmp/x 2>&1 || true";
        let text = probe(&node, &pod, line, |mut one| {
            one.security().masked_paths = ["/etc/passwd", "/srv", "/not/there"].map(str::to_owned).to_vec();
            one.security().readonly_paths = ["/tmp", "/not/there/either"].map(str::to_owned).to_vec();
            one
        });
        let text = text.await?;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["0", "0"], "{text}");
        assert!(lines[2].contains("Read-only file system"), "{text}");
        node.finish().await
    })
}

#[test]
fn proc_and_sys_are_what_a_container_should_see() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "mount | grep -E ' on /(proc|sys|dev|dev/pts|dev/shm|dev/mqueue) '; touch /sys/x 2>&1 || true; \
                    echo 1 > /proc/sys/vm/drop_caches || true; ls -1 /proc/self/fd | wc -l";
        let line = format!("({line}) 2>&1");
        let text = probe(&node, &pod, &line, |mut one| {
            one.security().readonly_paths = vec!["/proc/sys".to_owned()];
            one
        });
        let text = text.await?;
        for wanted in [
            "proc on /proc type proc",
            "on /sys type sysfs (ro",
            "on /dev type tmpfs",
            "on /dev/pts type devpts",
            "on /dev/shm type tmpfs",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(text.matches("Read-only file system").count() >= 2, "{text}");
        node.finish().await
    })
}

#[test]
fn a_privileged_container_sees_the_nodes_devices_and_may_mount() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut wanted = node.pod("p");
        wanted.security().privileged = true;
        let pod = node.run_pod(&wanted).await?;
        let line = "mkdir -p /tmp/m && mount -t tmpfs none /tmp/m && echo mounted; test -e /dev/kmsg && echo devices; touch /sys/kernel 2>&1";
        let text = probe(&node, &pod, line, |mut one| {
            one.security().privileged = true;
            one
        });
        let text = text.await?;
        assert!(text.contains("mounted") && text.contains("devices"), "{text}");
        node.finish().await
    })
}

#[test]
fn devices_that_were_not_given_cannot_be_made_or_opened() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut wanted = node.pod("p");
        wanted.security().privileged = true;
        let pod = node.run_pod(&wanted).await?;
        // The control group speaks here, not the lack of a node: CAP_MKNOD is there, and a volume brings the nodes.
        let given = node.slot.dir().join("nodes");
        std::fs::create_dir_all(&given)?;
        let nodes = [("loop", "b 7 99"), ("kmsg", "c 1 11"), ("own-null", "c 1 3")];
        for (name, device) in nodes {
            let made = harness::program("mknod").arg(given.join(name)).args(device.split(' ')).status()?;
            assert!(made.success(), "mknod {name} {device}");
        }
        let line = "mknod /tmp/b b 7 99 2>/dev/null && echo made a block device; \
                    for name in loop kmsg; do (: < /nodes/$name) 2>&1 | grep -o 'Operation not permitted'; done; \
                    : < /nodes/own-null && head -c 1 /dev/zero | wc -c && : > /dev/null && echo allowed";
        let mounted = |one: Container| one.mount(&given, "/nodes", false).capabilities(&["MKNOD"], &[]);
        let text = probe(&node, &pod, line, mounted).await?;
        assert_eq!(text, "Operation not permitted\nOperation not permitted\n1\nallowed\n");
        // No such loop device need exist: any other refusal than EPERM comes from behind the control group.
        let line = "mknod /tmp/b b 7 99 && echo made; (: < /tmp/b) 2>&1 | grep -c 'not permitted'; \
                    : < /nodes/kmsg && echo opened";
        let text = probe(&node, &pod, line, |one| {
            let mut one = mounted(one);
            one.security().privileged = true;
            one
        });
        assert_eq!(text.await?, "made\n0\nopened\n");
        node.finish().await
    })
}
