//! Memory that runs out: who was killed, at whose limit, and that status and message say so.

use std::{fs, path::Path};

use e2e::cgroup_path;
use harness::{Container, Node, Result, container, run};

const MIB: i64 = 1 << 20;
const HOG: &str = "dd if=/dev/zero of=/dev/null bs=200M count=1";

/// Takes more memory than any limit here, once the file `go` is in the directory.
fn on_command(name: &str, directory: &Path) -> Container {
    let line = format!("until [ -e /here/go ]; do sleep 0.05; done; {HOG}; exit 3");
    container(name).mount(directory, "/here", true).shell(&line)
}

#[test]
fn too_much_memory_is_oom_killed_and_said_so() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let hog = container("hog").shell(&format!("exec {HOG}")).memory(24 * MIB);
        let id = node.start_container(&pod, &hog).await?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (137, "OOMKilled"), "{}", status.message);
        let told =
            "(\"dd\") was killed for want of memory: the container reached its limit of 25165824 bytes";
        assert!(status.message.contains(told), "{}", status.message);

        let innocent =
            node.start_container(&pod, &container("innocent").shell("exit 137").memory(24 * MIB)).await?;
        let status = node.wait_exit(&innocent).await?;
        assert_eq!((status.reason.as_str(), status.message.as_str()), ("Error", ""), "137 alone is no proof");
        node.finish().await
    })
}

#[test]
fn a_child_that_was_killed_is_told_when_the_container_ends_for_it() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = format!("{HOG}; echo survived; exit 3");
        let id = node.start_container(&pod, &container("child").shell(&line).memory(24 * MIB)).await?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (3, "OOMKilled"), "{}", status.message);
        assert!(status.message.contains("(\"dd\")"), "the child, not process 1: {}", status.message);
        node.wait_log(&pod, "child", |line| line == "survived").await?;
        node.finish().await
    })
}

#[test]
fn the_pods_limit_is_told_from_the_containers() -> Result {
    run(async {
        let node = Node::start().await?;
        let directory = tempfile::tempdir()?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node.start_container(&pod, &on_command("c", directory.path())).await?;
        // As kubelet limits a pod: above the containers, which have no limit of their own.
        let own = cgroup_path(&node, &id, &["memory.max", "memory.limit_in_bytes"])?;
        let limit = own.ancestors().nth(2).unwrap_or(&own).join(own.file_name().unwrap_or_default());
        fs::write(&limit, (32 * MIB).to_string())?;
        fs::write(directory.path().join("go"), "")?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (3, "OOMKilled"), "{}", status.message);
        assert!(status.message.contains("the pod reached its limit"), "{}", status.message);
        node.finish().await
    })
}

#[test]
fn a_kill_that_no_daemon_saw_is_told_by_the_next_one() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let directory = tempfile::tempdir()?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let id = node.start_container(&pod, &on_command("c", directory.path()).memory(24 * MIB)).await?;
        node.kill_daemon()?;
        fs::write(directory.path().join("go"), "")?;
        let record = node.slot.root().join("pods").join(&pod.id).join("exits").join(&id);
        harness::until("the monitor has written the exit", std::time::Duration::from_secs(20), async || {
            record.exists()
        })
        .await?;
        node.start_daemon().await?;
        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (3, "OOMKilled"), "{}", status.message);
        assert!(status.message.contains("the container reached its limit"), "{}", status.message);
        node.finish().await
    })
}
