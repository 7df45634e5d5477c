//! `kill -9` of the daemon: containers run on, logs go on, exits are kept, and the next daemon serves them all.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use e2e::monitor_of;
use harness::{Node, Options, Result, container, http, read_log, run, until};
use proto::cri::{AttachRequest, ContainerState, PodSandboxState};
use streaming::client::{self, ClientIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const PATIENCE: Duration = Duration::from_secs(20);

fn logged(path: &Path, wanted: &str) -> bool {
    read_log(path).is_ok_and(|log| log.iter().any(|line| line.text() == wanted))
}

#[test]
fn what_ends_while_nobody_looks_is_known_afterwards() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let counts =
            "i=0; while [ $i -lt 200 ]; do echo $i; i=$((i+1)); sleep 0.01; done; echo done; exit 23";
        let id = node.start_container(&pod, &container("c").shell(counts)).await?;
        let hog = container("hog")
            .shell("sleep 1; exec dd if=/dev/zero of=/dev/null bs=200M count=1")
            .memory(24 << 20);
        let hog = node.start_container(&pod, &hog).await?;
        let begun = node.cri.status(&id).await?;
        node.kill_daemon()?;
        let log = node.log_directory("p").join("c.log");
        until("the container ends by itself", PATIENCE, async || logged(&log, "done")).await?;
        node.start_daemon().await?;

        let status = node.wait_exit(&id).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (23, "Error"));
        assert_eq!((status.created_at, status.started_at), (begun.created_at, begun.started_at));
        assert!(
            status.finished_at > status.started_at + 1_000_000_000,
            "when it ended, not when it was noticed"
        );
        let lines: Vec<String> = read_log(&log)?.iter().map(harness::Line::text).collect();
        let wanted: Vec<String> =
            (0..200).map(|number: i32| number.to_string()).chain(["done".to_owned()]).collect();
        assert_eq!(lines, wanted, "no line lost, none twice");
        let status = node.wait_exit(&hog).await?;
        assert_eq!((status.exit_code, status.reason.as_str()), (137, "OOMKilled"));
        node.finish().await
    })
}

#[test]
fn what_goes_on_is_served_by_the_next_daemon() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let port = node.slot.host_port()?;
        let wanted = node.pod("p").host_port(port, 80).label("app", "web");
        let pod = node.run_pod(&wanted).await?;
        let serve = "mkdir /tmp/w; echo page > /tmp/w/index.html; trap 'exit 9' TERM; httpd -f -p 80 -h /tmp/w & wait";
        let web = node.start_container(&pod, &container("web").shell(serve)).await?;
        let echo = "while read line; do echo \"got $line\"; done; exit 4";
        let echo = node.start_container(&pod, &container("echo").shell(echo).stdin(true)).await?;
        let created = node.create(&pod, &container("created").shell("exit 5")).await?;
        let here = SocketAddr::from(([127, 0, 0, 1], port));
        until("the page is served", PATIENCE, async || http::get(here, "/").is_ok()).await?;
        let before = (node.cri.pod_status(&pod.id).await?, node.cri.status(&web).await?);
        node.kill_daemon()?;
        assert_eq!(http::get(here, "/")?.text(), "page\n", "nobody serves CRI, the pod serves on");
        node.start_daemon().await?;

        assert_eq!(node.cri.pod_status(&pod.id).await?, before.0);
        assert_eq!(node.cri.status(&web).await?, before.1);
        assert_eq!(
            node.cri.pods_with("", Some(PodSandboxState::SandboxReady), &[("app", "web")]).await?.len(),
            1
        );
        assert_eq!(http::get(here, "/")?.text(), "page\n");
        assert_eq!(node.cri.shell(&web, "wget -qO- 127.0.0.1").await?, "page\n", "exec");
        assert!(node.cri.stats(&web).await?.memory.is_some(), "stats");
        attach_and_leave(&node, &echo).await?;
        assert_eq!(node.wait_exit(&echo).await?.exit_code, 4);
        node.cri.reopen_log(&web).await?;
        node.cri.start(&created).await?;
        assert_eq!(node.wait_exit(&created).await?.exit_code, 5, "what was only created can be started");
        node.cri.stop(&web, 20).await?;
        assert_eq!(node.cri.status(&web).await?.exit_code, 9);
        let other = node.run_pod(&node.pod("other")).await?;
        assert_ne!(node.address(&other).await?, node.address(&pod).await?, "its address was not given away");
        node.finish().await
    })
}

async fn attach_and_leave(node: &Node, id: &str) -> Result {
    let request =
        AttachRequest { container_id: id.to_owned(), stdin: true, stdout: true, ..Default::default() };
    let url = node.cri.attach_url(request).await?;
    let ((mut near, far), (mut out, far_out)) = (duplex(4096), duplex(4096));
    let io = ClientIo { stdin: Some(Box::pin(far)), stdout: Some(Box::pin(far_out)), ..Default::default() };
    let session = tokio::spawn(async move { client::attach(&url, io).await });
    near.write_all(b"again\n").await?;
    let mut answer = vec![0; "got again\n".len()];
    tokio::time::timeout(PATIENCE, out.read_exact(&mut answer)).await??;
    assert_eq!(answer, b"got again\n");
    drop(near);
    tokio::time::timeout(PATIENCE, session).await???;
    Ok(())
}

#[test]
fn twenty_kills_in_a_row_disturb_nobody() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let counts = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.005; done";
        let id = node.start_container(&pod, &container("c").shell(counts)).await?;
        let started = node.cri.status(&id).await?.started_at;
        for round in 0..20 {
            node.kill_daemon()?;
            let begun = Instant::now();
            node.start_daemon().await?;
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "round {round}: up after {:?}",
                begun.elapsed()
            );
            let status = node.cri.status(&id).await?;
            assert_eq!(
                (status.state(), status.started_at),
                (ContainerState::ContainerRunning, started),
                "round {round}"
            );
        }
        node.cri.stop(&id, 0).await?;
        let lines: Vec<String> = node.log(&pod, "c")?.iter().map(harness::Line::text).collect();
        assert!(lines.len() > 50, "{}", lines.len());
        assert!(
            lines.iter().enumerate().all(|(number, text)| *text == number.to_string()),
            "no line lost, none twice"
        );
        node.finish().await
    })
}

#[test]
fn a_clean_restart_disturbs_nobody_either() -> Result {
    run(async {
        let mut node = Node::start_with(Options { remove_node_state: false, ..Options::default() }).await?;
        let (pod, id) = node.sleeper("p").await?;
        let address = node.address(&pod).await?;
        node.daemon.stop().await?;
        node.options.remove_node_state = true;
        node.start_daemon().await?;
        assert_eq!(node.cri.status(&id).await?.state(), ContainerState::ContainerRunning);
        assert_eq!(node.address(&pod).await?, address);
        assert_eq!(node.cri.shell(&id, "echo on").await?, "on\n");
        node.finish().await
    })
}

#[test]
fn a_monitor_that_is_killed_is_noticed_and_leaves_nothing() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let (pod, id) = node.sleeper("p").await?;
        let monitor = monitor_of(&node, &pod.id)?;
        let pidfd = sys::pidfd::open(monitor)?;
        sys::pidfd::send_signal(&pidfd, 9)?;
        let status = node.wait_exit(&id).await?;
        assert!(status.finished_at > 0, "never running for ever");
        until("the pod is not ready", PATIENCE, async || {
            node.cri
                .pod_status(&pod.id)
                .await
                .is_ok_and(|status| status.state() == PodSandboxState::SandboxNotready)
        })
        .await?;
        node.remove_pod(&pod).await?;
        node.cri.remove_image("busybox").await?;
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn two_daemons_cannot_have_the_same_state() -> Result {
    run(async {
        let mut node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        let mut second = harness::Daemon::spawn(&node.slot, &node.options)?;
        let status = second.wait().await?;
        assert!(!status.success(), "the second refuses");
        assert_eq!(node.cri.shell(&id, "echo first").await?, "first\n", "the first serves on");
        node.kill_daemon()?;
        node.start_daemon().await?;
        node.finish().await
    })
}
