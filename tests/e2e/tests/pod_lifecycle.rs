//! A pod's way: run, status, stop, remove; each as often as kubelet likes.

use e2e::refused;
use harness::{Node, Result, container, run};
use proto::cri::{NamespaceMode, PodSandboxState};
use tonic::Code;

#[test]
fn a_pod_runs_stops_and_goes() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut wanted = node.pod("web").label("app", "web");
        wanted
            .config
            .annotations
            .insert("example.org/note".to_owned(), "kept as is: {\"a\": 1}\n".to_owned());
        let pod = node.run_pod(&wanted).await?;
        assert_eq!(pod.id.len(), 64);
        assert!(pod.id.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));

        let status = node.cri.pod_status(&pod.id).await?;
        assert_eq!(status.state(), PodSandboxState::SandboxReady);
        assert_eq!(status.metadata, wanted.config.metadata);
        assert_eq!(
            (&status.labels, &status.annotations),
            (&wanted.config.labels, &wanted.config.annotations)
        );
        assert!(status.created_at > 1_600_000_000_000_000_000, "nanoseconds since 1970");
        let options =
            status.linux.and_then(|linux| linux.namespaces).and_then(|namespaces| namespaces.options);
        assert_eq!(options.map(|options| options.network()), Some(NamespaceMode::Pod));
        let address: std::net::Ipv4Addr = status.network.unwrap_or_default().ip.parse()?;
        assert_eq!(
            address.octets()[..3],
            node.slot.network().octets()[..3],
            "an address of the node's subnet"
        );

        node.cri.stop_pod(&pod.id).await?;
        assert_eq!(node.cri.pod_status(&pod.id).await?.state(), PodSandboxState::SandboxNotready);
        assert_eq!(node.cri.pods().await?.len(), 1, "a stopped pod is still listed");
        node.cri.remove_pod(&pod.id).await?;
        assert!(node.cri.pods().await?.is_empty());
        refused(node.cri.pod_status(&pod.id).await, &[Code::NotFound], &[&pod.id])?;
        node.finish().await
    })
}

#[test]
fn stop_and_remove_succeed_again_and_for_what_never_was() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, _) = node.sleeper("twice").await?;
        for _ in 0..3 {
            node.cri.stop_pod(&pod.id).await?;
        }
        for _ in 0..3 {
            node.cri.remove_pod(&pod.id).await?;
        }
        let never = "f".repeat(64);
        node.cri.stop_pod(&never).await?;
        node.cri.remove_pod(&never).await?;
        node.cri.stop(&never, 1).await?;
        node.cri.remove(&never).await?;
        node.finish().await
    })
}

#[test]
fn removing_a_pod_takes_its_running_containers_along() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("forced").await?;
        node.cri.remove_pod(&pod.id).await?;
        refused(node.cri.status(&id).await, &[Code::NotFound], &[&id])?;
        node.finish().await
    })
}

#[test]
fn stopping_a_pod_ends_its_containers() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("stubborn")).await?;
        // Ignores SIGTERM: only SIGKILL ends it.
        let stubborn = container("stubborn").shell("trap '' TERM; while :; do sleep 1; done");
        let id = node.start_container(&pod, &stubborn).await?;
        node.cri.stop_pod(&pod.id).await?;
        assert_eq!(node.wait_exit(&id).await?.exit_code, 137);
        node.finish().await
    })
}

#[test]
fn a_second_pod_of_the_same_name_is_refused_and_a_new_attempt_is_not() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("once")).await?;
        let other = node.pod("once").hostname("other");
        refused(node.cri.run_pod(&other.config).await, &[Code::AlreadyExists], &["once", &pod.id])?;
        let next = node.run_pod(&node.pod("once").attempt(1)).await?;
        assert_ne!(next.id, pod.id);
        node.remove_pod(&pod).await?;
        node.run_pod(&node.pod("once")).await?;
        node.finish().await
    })
}

#[test]
fn the_same_request_ten_times_at_once_makes_one_pod() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.pod("storm");
        std::fs::create_dir_all(&pod.config.log_directory)?;
        let tries: Vec<_> = (0..10)
            .map(|_| {
                let (cri, config) = (node.cri.clone(), pod.config.clone());
                tokio::spawn(async move { cri.run_pod(&config).await })
            })
            .collect();
        let mut ids = Vec::new();
        for attempt in tries {
            match attempt.await? {
                Ok(id) => ids.push(id),
                Err(status) => assert_eq!(status.code(), Code::AlreadyExists, "{status}"),
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "everybody who succeeded has the same pod: {ids:?}");
        assert_eq!(node.cri.pods().await?.len(), 1);
        node.finish().await
    })
}

#[test]
fn a_caller_that_leaves_does_not_leave_half_a_pod() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let pod = node.pod("left");
        std::fs::create_dir_all(&pod.config.log_directory)?;
        for microseconds in [1, 500, 2_000, 10_000] {
            let run = node.cri.run_pod(&pod.config);
            // Whether it is cut off or just makes it, the pod is whole or not there.
            let _ = tokio::time::timeout(std::time::Duration::from_micros(microseconds), run).await;
            let id = match node.cri.run_pod(&pod.config).await {
                Ok(id) => id,
                Err(status) => {
                    assert_eq!(status.code(), Code::AlreadyExists, "{status}");
                    let pods = node.cri.pods().await?;
                    assert_eq!(pods.len(), 1);
                    pods[0].id.clone()
                }
            };
            assert_eq!(node.cri.pod_status(&id).await?.state(), PodSandboxState::SandboxReady);
            node.cri.stop_pod(&id).await?;
            node.cri.remove_pod(&id).await?;
            node.settle(&before).await?;
        }
        node.finish().await
    })
}
