//! The systemd cgroup driver: containers are scopes in the slices that kubelet names, limits are systemd's too, nothing is left.
//!
//! Needs a node that systemd manages, with cgroup v2 alone.

use std::path::Path;

use e2e::{cgroup_file, is_cgroup_v2, refused};
use harness::{Failure, Node, Options, Result, container, program, run, until};
use proto::cri::{CgroupDriver, LinuxContainerResources};
use tonic::Code;

const MIB: i64 = 1 << 20;

/// Says why when the tests below cannot run here.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn can_run() -> Result<bool> {
    let why = match (Path::new("/run/systemd/system").is_dir(), is_cgroup_v2()?) {
        (false, _) => "systemd does not run here",
        (_, false) => "this node has cgroup v1",
        (true, true) => return Ok(true),
    };
    eprintln!("NOT RUN: {why}; the systemd cgroup driver needs a node with systemd and cgroup v2 alone");
    Ok(false)
}

async fn node() -> Result<Node> {
    let arguments = ["--cgroup-driver", "systemd"].map(Into::into).to_vec();
    Node::start_with(Options { arguments, ..Options::default() }).await
}

fn show(unit: &str, property: &str) -> Result<String> {
    let output = program("systemctl").args(["show", "--value", "--property", property, unit]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn scope(id: &str) -> String {
    format!("cri-berth-{id}.scope")
}

/// Every unit with `word` in its name that systemd still has in memory.
fn units(word: &str) -> Result<Vec<String>> {
    let output =
        program("systemctl").args(["list-units", "--all", "--plain", "--no-legend", "--full"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.filter(|name| name.contains(word)).map(str::to_owned).collect())
}

#[test]
fn a_node_without_systemd_says_so() -> Result {
    if Path::new("/run/systemd/system").is_dir() {
        return run(async { node().await?.finish().await });
    }
    let directory = tempfile::tempdir()?;
    let run = directory.path().join("run");
    let output = program(harness::binary("berthd")?)
        .args(["--cgroup-driver", "systemd", "--root"])
        .arg(directory.path().join("root"))
        .arg("--run-dir")
        .arg(run)
        .output()?;
    let text =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && text.contains("systemd does not run on this node") {
        return Ok(());
    }
    Err(Failure::new(format!("{}: {text}", output.status)))
}

#[test]
fn limits_are_systemds_and_outlive_its_reload() -> Result {
    if !can_run()? {
        return Ok(());
    }
    run(async {
        let node = node().await?;
        let driver = node.cri.runtime_config().await?.linux.map(|linux| linux.cgroup_driver());
        assert_eq!(driver, Some(CgroupDriver::Systemd));
        let slice = node.slot.slice().replace(".slice", "-burstable-podx_1.slice");
        let pod = node.run_pod(&node.pod("p").cgroup_parent(&slice)).await?;
        let mut one = container("c").shell("exec sleep 1000").memory(64 * MIB);
        let resources = one.resources();
        (resources.cpu_period, resources.cpu_quota, resources.cpu_shares) = (100_000, 50_000, 1024);
        resources.cpuset_cpus = "0".to_owned();
        let id = node.start_container(&pod, &one).await?;
        let scope = scope(&id);
        for (property, value) in [
            ("ActiveState", "active"),
            ("Slice", slice.as_str()),
            ("Delegate", "yes"),
            ("MemoryMax", "67108864"),
            ("CPUQuotaPerSecUSec", "500ms"),
            ("CPUWeight", "100"),
            ("AllowedCPUs", "0"),
        ] {
            assert_eq!(show(&scope, property)?, value, "{property}");
        }
        assert_eq!(cgroup_file(&node, &id, &["memory.max"])?, "67108864");
        let update = LinuxContainerResources { memory_limit_in_bytes: 96 * MIB, ..Default::default() };
        node.cri.update(&id, update).await?;
        assert_eq!(show(&scope, "MemoryMax")?, (96 * MIB).to_string());
        assert!(program("systemctl").arg("daemon-reload").status()?.success());
        assert_eq!(cgroup_file(&node, &id, &["memory.max"])?, (96 * MIB).to_string());
        assert_eq!(cgroup_file(&node, &id, &["cpu.max"])?, "50000 100000");
        let refusal = node.cri.run_pod(&node.pod("q").cgroup_parent("/kubepods/pod1").config).await;
        refused(refusal, &[Code::InvalidArgument], &["/kubepods/pod1", "slice", "cgroup driver"])?;
        node.remove_pod(&pod).await?;
        assert_eq!(units(&id)?, [""; 0]);
        // The slices are kubelet's, here the test's; the pod's ends with the one it is in.
        let above = slice.replace("-podx_1", "");
        assert!(program("systemctl").arg("stop").arg(above).status()?.success());
        node.finish().await
    })
}

#[test]
fn scopes_survive_the_daemon_and_go_with_their_containers() -> Result {
    if !can_run()? {
        return Ok(());
    }
    run(async {
        let mut node = node().await?;
        let (pod, id) = node.sleeper("p").await?;
        node.kill_daemon()?;
        assert_eq!(show(&scope(&id), "ActiveState")?, "active");
        node.start_daemon().await?;
        assert_eq!(node.cri.shell(&id, "echo here").await?.trim(), "here");
        node.cri.stop(&id, 1).await?;
        until("the scope has gone", std::time::Duration::from_secs(60), async || {
            units(&id).is_ok_and(|units| units.is_empty())
        })
        .await?;
        node.cri.remove(&id).await?;
        node.cri.remove(&id).await?;
        node.remove_pod(&pod).await?;
        assert_eq!(units(&pod.id)?, [""; 0], "the pod's slice is ours");
        node.finish().await
    })
}

#[test]
fn who_was_killed_for_want_of_memory_is_told() -> Result {
    if !can_run()? {
        return Ok(());
    }
    run(async {
        let node = node().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let mut one = container("hog")
            .command(["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"])
            .memory(24 * MIB);
        one.resources().unified.insert("memory.oom.group".to_owned(), "1".to_owned());
        let id = node.start_container(&pod, &one).await?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (137, "OOMKilled"), "{}", status.message);
        node.finish().await
    })
}
