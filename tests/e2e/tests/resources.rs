//! Limits: what is asked for is what the kernel holds, what status says, and what bites.

use std::time::{Duration, Instant};

use e2e::{cgroup_file, is_cgroup_v2, refused};
use harness::{Doing, Node, Options, Result, container, run, until};
use proto::cri::{ContainerState, LinuxContainerResources};
use tonic::Code;

const MIB: i64 = 1 << 20;

#[test]
fn limits_are_set_read_back_and_reported() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut one = container("c").shell("exec sleep 1000").memory(64 * MIB);
        let resources = one.resources();
        (resources.cpu_period, resources.cpu_quota, resources.cpu_shares) = (100_000, 50_000, 512);
        resources.cpuset_cpus = "0".to_owned();
        let asked = resources.clone();
        let id = node.start_container(&pod, &one).await?;

        let memory = cgroup_file(&node, &id, &["memory.max", "memory.limit_in_bytes"])?;
        assert_eq!(memory, (64 * MIB).to_string());
        if is_cgroup_v2()? {
            assert_eq!(cgroup_file(&node, &id, &["cpu.max"])?, "50000 100000");
        } else {
            assert_eq!(cgroup_file(&node, &id, &["cpu.cfs_quota_us"])?, "50000");
            assert_eq!(cgroup_file(&node, &id, &["cpu.shares"])?, "512");
        }
        assert_eq!(cgroup_file(&node, &id, &["cpuset.cpus"])?, "0");
        assert_eq!(
            node.cri.shell(&id, "grep Cpus_allowed_list /proc/self/status").await?.split_whitespace().nth(1),
            Some("0")
        );

        let reported =
            node.cri.status(&id).await?.resources.and_then(|resources| resources.linux).unwrap_or_default();
        assert_eq!((reported.cpu_period, reported.cpu_quota, reported.cpu_shares), (100_000, 50_000, 512));
        assert_eq!(reported.memory_limit_in_bytes, asked.memory_limit_in_bytes);
        node.finish().await
    })
}

#[test]
fn a_cpu_quota_throttles() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut busy = container("busy").shell("while :; do :; done");
        (busy.resources().cpu_period, busy.resources().cpu_quota) = (100_000, 10_000);
        let id = node.start_container(&pod, &busy).await?;
        let deadline = Duration::from_secs(20);
        until("the kernel throttled it five times", deadline, async || {
            let stat = cgroup_file(&node, &id, &["cpu.stat"]).unwrap_or_default();
            let throttled =
                stat.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.parse::<u64>().ok());
            throttled.unwrap_or(0) >= 5
        })
        .await?;
        let begun = Instant::now();
        node.cri.stop(&id, 0).await?;
        assert!(begun.elapsed() < Duration::from_secs(10));
        node.finish().await
    })
}

#[test]
fn a_process_limit_stops_a_fork_bomb() -> Result {
    run(async {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("berth.toml");
        std::fs::write(&file, "pids_limit = 20\n")?;
        let arguments = vec!["--config".into(), file.into()];
        let node = Node::start_with(Options { arguments, ..Options::default() }).await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one =
            container("c").shell("i=0; while [ $i -lt 50 ]; do sleep 1000 & i=$((i+1)); done; echo no limit");
        let id = node.start_container(&pod, &one).await?;
        assert_eq!(cgroup_file(&node, &id, &["pids.max"])?, "20");
        node.wait_log(&pod, "c", |line| line.contains("can't fork")).await?;
        node.cri.stop(&id, 0).await?;
        // kubelet's own word for it goes before the node's, where the kernel has such files.
        let mut own = container("own").shell("exec sleep 1000");
        own.resources().unified.insert("pids.max".to_owned(), "30".to_owned());
        if is_cgroup_v2()? {
            let id = node.start_container(&pod, &own).await?;
            assert_eq!(cgroup_file(&node, &id, &["pids.max"])?, "30");
        } else {
            refused(node.create(&pod, &own).await, &[Code::Unimplemented], &["unified", "cgroup v2"])?;
        }
        node.finish().await
    })
}

#[test]
fn every_container_has_some_process_limit() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let limit = cgroup_file(&node, &id, &["pids.max"])?;
        assert!(limit.parse::<u64>().is_ok_and(|limit| limit <= 1 << 16), "pids.max is {limit}");
        node.finish().await
    })
}

#[test]
fn limits_change_under_a_running_container_all_or_none() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let one = container("c").shell("exec sleep 1000").memory(64 * MIB);
        let id = node.create(&pod, &one).await?;
        let update = LinuxContainerResources { memory_limit_in_bytes: 80 * MIB, ..Default::default() };
        node.cri.update(&id, update).await?;
        node.cri.start(&id).await?;
        let memory = || cgroup_file(&node, &id, &["memory.max", "memory.limit_in_bytes"]);
        assert_eq!(memory()?, (80 * MIB).to_string(), "what was changed before the start holds");

        let update = LinuxContainerResources {
            cpu_quota: 30_000,
            cpu_period: 100_000,
            memory_limit_in_bytes: 96 * MIB,
            ..Default::default()
        };
        node.cri.update(&id, update).await?;
        assert_eq!(memory()?, (96 * MIB).to_string());
        let bad = LinuxContainerResources {
            memory_limit_in_bytes: 32 * MIB,
            cpuset_cpus: "999".to_owned(),
            ..Default::default()
        };
        assert!(node.cri.update(&id, bad).await.is_err());
        assert_eq!(memory()?, (96 * MIB).to_string(), "a refused update changes nothing");
        let reported =
            node.cri.status(&id).await?.resources.and_then(|resources| resources.linux).unwrap_or_default();
        assert_eq!((reported.memory_limit_in_bytes, reported.cpu_quota), (96 * MIB, 30_000));
        let only_cpus = LinuxContainerResources { cpuset_cpus: "0".to_owned(), ..Default::default() };
        node.cri.update(&id, only_cpus).await?;
        assert_eq!(memory()?, (96 * MIB).to_string(), "zero means: leave it");
        let never = "e".repeat(64);
        refused(
            node.cri.update(&never, LinuxContainerResources::default()).await,
            &[Code::NotFound],
            &[&never],
        )?;
        node.finish().await
    })
}

#[test]
fn limits_that_make_no_sense_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.cri.pull("busybox").await?;
        let before = node.leftovers()?;
        type Change = fn(&mut LinuxContainerResources);
        let cases: [(Change, &str); 3] = [
            (|resources| resources.memory_limit_in_bytes = -5, "memory"),
            (|resources| resources.cpu_period = -1, "cpu"),
            (|resources| resources.cpuset_cpus = "0-".to_owned(), "cpuset"),
        ];
        for (change, word) in cases {
            let mut one = container("c").shell("exec sleep 1000");
            change(one.resources());
            let answer = match node.create(&pod, &one).await {
                Ok(id) => {
                    let started = node.cri.start(&id).await;
                    assert_eq!(
                        node.cri.status(&id).await?.state(),
                        ContainerState::ContainerExited,
                        "{word}"
                    );
                    node.cri.remove(&id).await?;
                    started
                }
                Err(status) => Err(status),
            };
            refused(answer, &[Code::InvalidArgument], &[word])?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn a_cgroup_parent_is_used_and_left_to_its_owner() -> Result {
    run(async {
        let node = Node::start().await?;
        let parent = format!("{}/kubepods/burstable/pod-x", node.slot.cgroup_root());
        let before = node.leftovers()?;
        let pod = node.run_pod(&node.pod("p").cgroup_parent(&parent)).await?;
        let id = node.start_container(&pod, &container("c").shell("exec sleep 1000")).await?;
        let groups = node.leftovers()?.only(|thing| thing.starts_with("cgroup "));
        let own = groups.things().find(|thing| thing.contains(&id)).unwrap_or_default().to_owned();
        assert!(own.contains("/kubepods/burstable/pod-x/"), "{own}: {groups}");
        node.remove_pod(&pod).await?;
        node.cri.remove_image("busybox").await?;
        // Like kubelet, which may have other things in it, the test takes it away itself: the kernel lets go of empty ones.
        let mut left = node.leftovers()?.beyond(&before);
        assert!(left.iter().any(|thing| thing.ends_with("/kubepods/burstable/pod-x")), "{left:?}");
        assert!(!left.iter().any(|thing| thing.contains(&id) || thing.contains(&pod.id)), "{left:?}");
        left.sort_unstable_by_key(|thing| std::cmp::Reverse(thing.len()));
        for thing in &left {
            let path = thing.strip_prefix("cgroup ").filter(|path| path.contains("/kubepods"));
            std::fs::remove_dir(path.doing(|| format!("expect {thing}"))?)?;
        }
        node.finish().await
    })
}

#[test]
fn cgroup_parents_that_climb_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        for parent in ["../../victim", "/a/../../b", "a\nb"] {
            let answer = node.cri.run_pod(&node.pod("p").cgroup_parent(parent).config).await;
            refused(answer, &[Code::InvalidArgument], &["cgroup"])?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}
