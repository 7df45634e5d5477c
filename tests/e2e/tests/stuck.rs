//! What is stuck stays alone: lists and status answer while an operation of some pod or container does not end.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use harness::{Node, Options, Result, container, run, until};
use proto::cri::{ContainerFilter, ContainerState};

/// Only a failing test waits it out: the operations below take longer than this, or for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A plugin in shell that answers nothing while the file `hang` is beside it.
const PLUGIN: &str = r#"#!/bin/sh
dir=${0%/*}
echo "$CNI_COMMAND $CNI_CONTAINERID" >> "$dir/calls"
cat > /dev/null
while [ -e "$dir/hang" ]; do sleep 0.05; done
[ "$CNI_COMMAND" = ADD ] && echo '{ "cniVersion": "1.1.0", "ips": [ { "address": "10.9.8.7/24" } ] }'
exit 0
"#;

fn install(dir: &Path) -> Result<Options> {
    let (conf, bin) = (dir.join("conf"), dir.join("bin"));
    fs::create_dir(&conf)?;
    fs::create_dir(&bin)?;
    let list = r#"{ "cniVersion": "1.1.0", "name": "n", "plugins": [ { "type": "slow" } ] }"#;
    fs::write(conf.join("10-net.conflist"), list)?;
    fs::write(bin.join("slow"), PLUGIN)?;
    fs::set_permissions(bin.join("slow"), fs::Permissions::from_mode(0o755))?;
    Ok(Options { cni: Some((conf, bin)), ..Options::default() })
}

/// All that kubelet asks for again and again, of a pod and its container that have nothing to do with what is stuck.
async fn answers(node: &Node, pod: &str, id: &str) -> Result {
    let asked = async {
        node.cri.version().await?;
        let status = node.cri.node_status().await?;
        assert!(status.status.is_some_and(|status| status.conditions.iter().all(|one| one.status)));
        assert!(node.cri.pods().await?.iter().any(|one| one.id == pod));
        assert!(node.cri.containers(ContainerFilter::default()).await?.iter().any(|one| one.id == id));
        node.cri.pod_status_verbose(pod).await?;
        assert_eq!(node.cri.status(id).await?.state(), ContainerState::ContainerRunning);
        node.cri.images().await?;
        Ok(())
    };
    tokio::time::timeout(PATIENCE, asked).await?
}

#[test]
fn a_plugin_that_hangs_hangs_its_own_pod_alone() -> Result {
    run(async {
        let dir = tempfile::tempdir()?;
        let node = Node::start_with(install(dir.path())?).await?;
        let (pod, id) = node.sleeper("well").await?;
        assert!(node.cri.node_status().await?.status.is_some());
        let hang = dir.path().join("bin/hang");
        fs::write(&hang, "")?;
        let (cri, wanted) = (node.cri.clone(), node.pod("stuck"));
        fs::create_dir_all(&wanted.config.log_directory)?;
        let stuck = tokio::spawn(async move { cri.run_pod(&wanted.config).await });
        until("the plugin is asked to add the second pod", PATIENCE, async || {
            let calls = fs::read_to_string(dir.path().join("bin/calls")).unwrap_or_default();
            calls.lines().filter(|call| call.starts_with("ADD ")).count() == 2
        })
        .await?;
        for _ in 0..3 {
            answers(&node, &pod.id, &id).await?;
        }
        // The well pod is not only looked at.
        let more = node.start_container(&pod, &container("more").shell("exec sleep 1000")).await?;
        node.cri.stop(&more, 0).await?;
        assert!(!stuck.is_finished(), "it hung all the while");
        fs::remove_file(&hang)?;
        let second = stuck.await??;
        assert!(node.cri.pods().await?.iter().any(|one| one.id == second));
        node.finish().await
    })
}

#[test]
fn a_container_that_does_not_end_is_seen_as_it_is_and_delays_no_other() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("well").await?;
        let line = "trap '' TERM; echo deaf; while :; do sleep 1; done";
        let deaf = node.start_container(&pod, &container("deaf").shell(line)).await?;
        node.wait_log(&pod, "deaf", |line| line == "deaf").await?;
        let (cri, stopped) = (node.cri.clone(), deaf.clone());
        let stuck = tokio::spawn(async move { cri.stop(&stopped, 3600).await });
        for _ in 0..3 {
            answers(&node, &pod.id, &id).await?;
            let status = tokio::time::timeout(PATIENCE, node.cri.status(&deaf)).await??;
            assert_eq!(status.state(), ContainerState::ContainerRunning);
        }
        let more = node.start_container(&pod, &container("more").shell("exec sleep 1000")).await?;
        node.cri.remove(&more).await?;
        assert!(!stuck.is_finished(), "it was being stopped all the while");
        node.cri.stop(&deaf, 0).await?;
        stuck.await??;
        assert_eq!(node.cri.status(&deaf).await?.exit_code, 137);
        node.finish().await
    })
}
