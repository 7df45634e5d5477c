//! UpdateContainerResources: all or nothing, before the start and after, and what the status says is what holds.

use e2e::{cgroup_file, refused};
use harness::{Node, Options, Result, container, run};
use proto::cri::{ContainerState, LinuxContainerResources};
use tonic::Code;

const MIB: i64 = 1 << 20;

fn memory_to(bytes: i64) -> LinuxContainerResources {
    LinuxContainerResources { memory_limit_in_bytes: bytes, ..Default::default() }
}

fn memory(node: &Node, id: &str) -> Result<String> {
    cgroup_file(node, id, &["memory.max", "memory.limit_in_bytes"])
}

async fn told(node: &Node, id: &str) -> Result<LinuxContainerResources> {
    Ok(node.cri.status(id).await?.resources.and_then(|resources| resources.linux).unwrap_or_default())
}

#[test]
fn what_was_changed_before_the_start_holds_even_through_a_restart_of_the_daemon() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let (pod, other) = node.sleeper("p").await?;
        let mut one = container("c").shell("exec sleep 1000").memory(64 * MIB);
        one.resources().cpu_shares = 512;
        one.resources().oom_score_adj = 900;
        let id = node.create(&pod, &one).await?;
        let asked = LinuxContainerResources { oom_score_adj: 100, ..memory_to(80 * MIB) };
        node.cri.update(&id, asked).await?;
        node.kill_daemon()?;
        node.start_daemon().await?;
        let resources = told(&node, &id).await?;
        assert_eq!((resources.memory_limit_in_bytes, resources.cpu_shares), (80 * MIB, 512));
        node.cri.start(&id).await?;
        assert_eq!(memory(&node, &id)?, (80 * MIB).to_string());
        assert_eq!(
            cgroup_file(&node, &id, &["pids.max"])?,
            cgroup_file(&node, &other, &["pids.max"])?,
            "what is no resource of CRI is left as it was"
        );
        let score = node.cri.shell(&id, "cat /proc/1/oom_score_adj").await?;
        assert_eq!(score.trim(), told(&node, &id).await?.oom_score_adj.to_string(), "told as it is");
        node.finish().await
    })
}

#[test]
fn an_update_that_cannot_be_recorded_changes_nothing() -> Result {
    run(async {
        let options = Options { fault: Some("fail:update.commit".into()), ..Options::default() };
        let node = Node::start_with(options).await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut one = container("c").shell("exec sleep 1000").memory(64 * MIB);
        (one.resources().cpu_period, one.resources().cpu_quota) = (100_000, 50_000);
        let id = node.start_container(&pod, &one).await?;
        let update = LinuxContainerResources { cpu_quota: 20_000, ..memory_to(80 * MIB) };
        assert!(node.cri.update(&id, update.clone()).await.is_err());
        let quota = || cgroup_file(&node, &id, &["cpu.max", "cpu.cfs_quota_us"]);
        assert_eq!(memory(&node, &id)?, (64 * MIB).to_string());
        assert!(quota()?.starts_with("50000"), "{:?}", quota());
        let resources = told(&node, &id).await?;
        assert_eq!((resources.memory_limit_in_bytes, resources.cpu_quota), (64 * MIB, 50_000));
        node.cri.update(&id, update).await?;
        assert_eq!(memory(&node, &id)?, (80 * MIB).to_string());
        assert!(quota()?.starts_with("20000"), "{:?}", quota());
        node.finish().await
    })
}

#[test]
fn a_limit_below_what_is_in_use_is_refused_and_kills_nobody() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        // dd holds its buffer until its reader, which never reads, takes it.
        let line = "dd if=/dev/zero bs=60M count=1 | { until grep -q '^VmRSS:.* 6[0-9][0-9][0-9][0-9] kB' \
                    /proc/[0-9]*/status; do sleep 0.05; done; echo full; exec sleep 1000; }";
        let id = node.start_container(&pod, &container("c").shell(line).memory(128 * MIB)).await?;
        node.wait_log(&pod, "c", |line| line == "full").await?;
        let update = LinuxContainerResources { cpu_shares: 300, ..memory_to(16 * MIB) };
        refused(node.cri.update(&id, update).await, &[Code::FailedPrecondition], &[&id, "16777216", "uses"])?;
        assert_eq!(memory(&node, &id)?, (128 * MIB).to_string());
        assert_eq!(told(&node, &id).await?.memory_limit_in_bytes, 128 * MIB);
        assert_eq!(node.cri.status(&id).await?.state(), ContainerState::ContainerRunning);
        node.finish().await
    })
}

#[test]
fn an_ended_container_has_nothing_to_update() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node.start_container(&pod, &container("c").shell("exit 0").memory(64 * MIB)).await?;
        node.wait_exit(&id).await?;
        refused(node.cri.update(&id, memory_to(80 * MIB)).await, &[Code::FailedPrecondition], &[&id])?;
        assert_eq!(told(&node, &id).await?.memory_limit_in_bytes, 64 * MIB);
        node.finish().await
    })
}
