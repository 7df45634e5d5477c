//! A container's way: created, running, exited, gone; exit codes and the words for them.

use e2e::refused;
use harness::{Node, Result, container, run};
use proto::cri::{ContainerFilter, ContainerState};
use tonic::Code;

#[test]
fn a_container_goes_through_its_states() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let wanted = container("c").shell("trap 'exit 0' TERM; echo ready; sleep 1000 & wait");
        let wanted = wanted.label("tier", "front");
        let id = node.create(&pod, &wanted).await?;
        let status = node.cri.status(&id).await?;
        assert_eq!(status.state(), ContainerState::ContainerCreated);
        assert_eq!((status.started_at, status.finished_at), (0, 0));
        assert!(status.created_at > 0);

        node.cri.start(&id).await?;
        let status = node.cri.status(&id).await?;
        assert_eq!(status.state(), ContainerState::ContainerRunning);
        assert!(status.started_at >= status.created_at);
        assert_eq!(status.metadata.unwrap_or_default().name, "c");
        assert_eq!(status.labels.get("tier").map(String::as_str), Some("front"));
        assert_eq!(status.image.unwrap_or_default().image, "busybox", "as its author wrote it");
        assert!(status.image_ref.contains("sha256:"), "{}", status.image_ref);
        let image = node.cri.image("busybox").await?.unwrap_or_default();
        assert_eq!(status.image_id, image.id);
        assert!(status.log_path.ends_with("/logs/p/c.log"), "{}", status.log_path);
        refused(node.cri.start(&id).await, &[Code::FailedPrecondition], &[&id])?;

        node.wait_log(&pod, "c", |line| line == "ready").await?;
        node.cri.stop(&id, 10).await?;
        let status = node.cri.status(&id).await?;
        assert_eq!(status.state(), ContainerState::ContainerExited);
        assert_eq!((status.exit_code, status.reason.as_str()), (0, "Completed"));
        assert!(status.finished_at >= status.started_at);
        refused(node.cri.start(&id).await, &[Code::FailedPrecondition], &[&id])?;

        node.cri.remove(&id).await?;
        refused(node.cri.status(&id).await, &[Code::NotFound], &[&id])?;
        assert!(node.cri.containers(ContainerFilter::default()).await?.is_empty());
        node.finish().await
    })
}

#[test]
fn exit_codes_and_reasons_are_true() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let cases = [
            ("zero", "exit 0", 0, "Completed"),
            ("three", "exit 3", 3, "Error"),
            ("last", "exit 255", 255, "Error"),
            // Started by an exec, the signal kills PID 1 of the container itself.
            ("killed", "(sleep 0.1; kill -KILL $$) & wait", 137, "Error"),
        ];
        for (name, line, code, reason) in cases {
            let mut one = container(name).shell(line);
            if name == "killed" {
                // In a namespace of its own PID 1 cannot kill itself: in the pod's it is an ordinary process.
                one = one.namespaces(
                    proto::cri::NamespaceMode::Pod,
                    proto::cri::NamespaceMode::Node,
                    proto::cri::NamespaceMode::Pod,
                );
            }
            let id = node.start_container(&pod, &one).await?;
            let status = node.wait_exit(&id).await?;
            assert_eq!(
                (status.exit_code, status.reason.as_str()),
                (code, reason),
                "{name}: {}",
                status.message
            );
        }
        node.finish().await
    })
}

#[test]
fn stop_asks_first_and_kills_after_the_grace() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let polite = container("polite").shell("trap 'exit 7' TERM; echo ready; sleep 1000 & wait");
        let polite = node.start_container(&pod, &polite).await?;
        // A signal without a handler does not reach PID 1 at all.
        node.wait_log(&pod, "polite", |line| line == "ready").await?;
        let begun = std::time::Instant::now();
        node.cri.stop(&polite, 30).await?;
        assert!(begun.elapsed().as_secs() < 15, "it went by itself");
        assert_eq!(node.cri.status(&polite).await?.exit_code, 7);

        let deaf = container("deaf").shell("trap '' TERM; echo ready; while :; do sleep 1; done");
        let deaf = node.start_container(&pod, &deaf).await?;
        node.wait_log(&pod, "deaf", |line| line == "ready").await?;
        let begun = std::time::Instant::now();
        node.cri.stop(&deaf, 1).await?;
        assert!(begun.elapsed().as_millis() >= 900, "the grace was granted");
        assert_eq!(node.cri.status(&deaf).await?.exit_code, 137);

        let now = container("now").shell("trap '' TERM; while :; do sleep 1; done");
        let now = node.start_container(&pod, &now).await?;
        node.cri.stop(&now, 0).await?;
        assert_eq!(node.cri.status(&now).await?.exit_code, 137);
        for _ in 0..2 {
            node.cri.stop(&now, 5).await?;
        }
        node.finish().await
    })
}

#[test]
fn the_stop_signal_is_the_images_or_the_containers() -> Result {
    run(async {
        let node = Node::start().await?;
        let image = harness::image::busybox()?.set("StopSignal", serde_json::json!("SIGUSR1"));
        node.registry.push("library/usr1", "latest", &image)?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let line = "trap 'exit 11' USR1; trap 'exit 12' USR2; trap 'exit 13' TERM; echo ready; while :; do sleep 0.1; done";
        let by_image = node.start_container(&pod, &container("image").image("usr1").shell(line)).await?;
        assert_eq!(node.cri.status(&by_image).await?.stop_signal().as_str_name(), "SIGNAL_SIGUSR1");
        let mut by_config = container("config").image("usr1").shell(line);
        by_config
            .config
            .set_stop_signal(proto::cri::Signal::from_str_name("SIGNAL_SIGUSR2").unwrap_or_default());
        let by_config = node.start_container(&pod, &by_config).await?;
        for (id, name, code) in [(by_image, "image", 11), (by_config, "config", 12)] {
            node.wait_log(&pod, name, |line| line == "ready").await?;
            node.cri.stop(&id, 20).await?;
            assert_eq!(node.cri.status(&id).await?.exit_code, code);
        }
        node.finish().await
    })
}

#[test]
fn a_command_that_cannot_run_leaves_an_exited_container_with_the_cause() -> Result {
    run(async {
        let node = Node::start().await?;
        // A first container, so that the pod's cgroup is there.
        let (pod, _) = node.sleeper("p").await?;
        for (name, command) in [
            ("missing", "/no/such/program"),
            ("lookup", "no-such-program"),
            ("plain", "/etc/passwd"),
            ("dir", "/etc"),
        ] {
            let id = node.create(&pod, &container(name).command([command])).await?;
            let before = node.leftovers()?;
            let refusal = node.cri.start(&id).await;
            assert!(refusal.is_err(), "{command} cannot be started");
            let text = refusal.err().map(|status| status.message().to_owned()).unwrap_or_default();
            assert!(text.contains(command), "the refusal names {command}: {text}");
            let status = node.cri.status(&id).await?;
            assert_eq!(status.state(), ContainerState::ContainerExited, "{command}");
            assert_eq!(status.reason, "StartError", "{command}");
            assert!([126, 127, 128].contains(&status.exit_code), "{command}: {}", status.exit_code);
            assert!(status.message.contains(command), "{}", status.message);
            // What the mounting wrote into its layer is the container's, and goes with it.
            let own = format!("file root/containers/{id}/");
            let left = node.leftovers()?.only(|thing| !thing.starts_with(&own)).beyond(&before);
            assert!(left.is_empty(), "{command}: {left:?}");
            node.cri.remove(&id).await?;
        }
        node.finish().await
    })
}

#[test]
fn remove_forces_a_running_container_and_succeeds_twice() -> Result {
    run(async {
        let node = Node::start().await?;
        let (_, id) = node.sleeper("p").await?;
        node.cri.remove(&id).await?;
        node.cri.remove(&id).await?;
        node.finish().await
    })
}

#[test]
fn a_name_is_free_again_once_its_container_is_removed() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        let again = node.create(&pod, &container("sleeper").shell("exit 1")).await;
        refused(again, &[Code::AlreadyExists], &["sleeper", &id])?;
        node.cri.remove(&id).await?;
        node.create(&pod, &container("sleeper")).await?;
        node.finish().await
    })
}

#[test]
fn descendants_die_with_their_container() -> Result {
    run(async {
        let node = Node::start().await?;
        // A first container, so that image and pod cgroup are there.
        let (pod, _) = node.sleeper("p").await?;
        let before = node.leftovers()?;
        // Daemonised grandchildren in a new session, holding the output open.
        let line = "for i in 1 2 3; do setsid sh -c 'sleep 1000 & sleep 1000' & done; sleep 0.2; exit 5";
        let id = node.start_container(&pod, &container("c").shell(line)).await?;
        assert_eq!(node.wait_exit(&id).await?.exit_code, 5);
        node.cri.remove(&id).await?;
        node.settle(&before).await?;
        node.finish().await
    })
}
