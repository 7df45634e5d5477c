//! Requests about pods and containers that must be refused: the code, a text that names the thing, and nothing left behind.

use e2e::refused;
use harness::{Node, Result, container, run};
use proto::cri::{ContainerConfig, CreateContainerRequest, PodSandboxConfig, RunPodSandboxRequest};
use tonic::Code;

#[test]
fn pods_that_cannot_be() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let nothing = node.cri.runtime().run_pod_sandbox(RunPodSandboxRequest::default()).await;
        refused(nothing, &[Code::InvalidArgument], &["config"])?;
        refused(
            node.cri.run_pod(&PodSandboxConfig::default()).await,
            &[Code::InvalidArgument],
            &["metadata"],
        )?;

        let mut nameless = node.pod("p");
        nameless.config.metadata.get_or_insert_default().name.clear();
        refused(node.cri.run_pod(&nameless.config).await, &[Code::InvalidArgument], &["name"])?;
        for bad in ["with\nnewline", "with space", "with\0nul", &"a".repeat(65), "a/b"] {
            let answer = node.cri.run_pod(&node.pod("p").hostname(bad).config).await;
            refused(answer, &[Code::InvalidArgument], &["hostname"]).map_err(|failure| failure.about(bad))?;
        }
        for bad in ["relative/logs", "/var/log/../../etc"] {
            let mut climbing = node.pod("p");
            climbing.config.log_directory = bad.to_owned();
            refused(node.cri.run_pod(&climbing.config).await, &[Code::InvalidArgument], &["log_directory"])
                .map_err(|failure| failure.about(bad))?;
        }
        for bad in ["10.0.0.1\nnameserver 6.6.6.6", "not an address"] {
            let answer = node.cri.run_pod(&node.pod("p").dns(&[bad], &[], &[]).config).await;
            refused(answer, &[Code::InvalidArgument], &["dns"]).map_err(|failure| failure.about(bad))?;
        }
        for bad in ["a\nb", "a b"] {
            let answer = node.cri.run_pod(&node.pod("p").dns(&[], &[bad], &[]).config).await;
            refused(answer, &[Code::InvalidArgument], &["dns"]).map_err(|failure| failure.about(bad))?;
        }
        let handler = RunPodSandboxRequest {
            config: Some(node.pod("p").config),
            runtime_handler: "no-such-handler".to_owned(),
        };
        let answer = node.cri.runtime().run_pod_sandbox(handler).await;
        refused(answer, &[Code::InvalidArgument, Code::NotFound], &["no-such-handler"])?;
        let mut group = node.pod("p");
        group.security().run_as_group = Some(proto::cri::Int64Value { value: 5 });
        refused(node.cri.run_pod(&group.config).await, &[Code::InvalidArgument], &["run_as_group"])?;
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn containers_that_cannot_be() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        node.cri.pull("busybox").await?;
        let before = node.leftovers()?;
        let never = "d".repeat(64);
        let lost = node.cri.create(&never, &container("c").image("busybox").config, &pod.pod.config).await;
        refused(lost, &[Code::NotFound], &[&never])?;
        let request = CreateContainerRequest { pod_sandbox_id: pod.id.clone(), ..Default::default() };
        refused(node.cri.runtime().create_container(request).await, &[Code::InvalidArgument], &["config"])?;
        let nameless = ContainerConfig { metadata: None, ..container("c").image("busybox").config };
        refused(
            node.cri.create(&pod.id, &nameless, &pod.pod.config).await,
            &[Code::InvalidArgument],
            &["metadata"],
        )?;
        let imageless = ContainerConfig { image: None, ..container("c").config };
        refused(
            node.cri.create(&pod.id, &imageless, &pod.pod.config).await,
            &[Code::InvalidArgument],
            &["image"],
        )?;
        let unknown = container("c").image("never-pulled:1");
        let answer = node.cri.create(&pod.id, &unknown.config, &pod.pod.config).await;
        refused(answer, &[Code::NotFound], &["never-pulled:1", "pull"])?;
        for bad in ["../climbs.log", "/absolute.log", "a/../../b.log", "with\nnewline.log", "."] {
            let mut climbing = container("c");
            climbing.config.log_path = bad.to_owned();
            refused(node.create(&pod, &climbing).await, &[Code::InvalidArgument], &["log_path"])
                .map_err(|failure| failure.about(bad))?;
        }
        let mut nul = container("c").shell("true");
        nul.config.args = vec!["a\0b".to_owned()];
        refused(node.create(&pod, &nul).await, &[Code::InvalidArgument], &[])?;
        refused(
            node.create(&pod, &container("c").env("", "x")).await,
            &[Code::InvalidArgument],
            &["variable"],
        )?;
        refused(
            node.create(&pod, &container("c").env("A=B", "x")).await,
            &[Code::InvalidArgument],
            &["variable"],
        )?;
        refused(
            node.create(&pod, &container("c").env("A", b"x\0y")).await,
            &[Code::InvalidArgument],
            &["variable"],
        )?;
        let mut cdi = container("c");
        cdi.config.cdi_devices = vec![proto::cri::CdiDevice { name: "vendor.com/class=one".to_owned() }];
        refused(
            node.create(&pod, &cdi).await,
            &[Code::InvalidArgument, Code::NotFound],
            &["vendor.com/class=one", "no CDI file"],
        )?;
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn a_log_path_that_leaves_by_a_link_writes_nothing_outside() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let outside = node.slot.dir().join("outside");
        std::fs::create_dir_all(&outside)?;
        std::os::unix::fs::symlink(&outside, node.log_directory("p").join("way-out"))?;
        let mut sly = container("c").shell("echo secret");
        sly.config.log_path = "way-out/c.log".to_owned();
        let refused = match node.create(&pod, &sly).await {
            Ok(id) => node.cri.start(&id).await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "a log that would leave its directory is refused");
        assert_eq!(std::fs::read_dir(&outside)?.count(), 0);
        node.finish().await
    })
}

#[test]
fn nothing_starts_in_a_pod_that_was_stopped() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        let created = node.create(&pod, &container("created")).await?;
        node.cri.stop_pod(&pod.id).await?;
        refused(node.create(&pod, &container("late")).await, &[Code::FailedPrecondition], &[&pod.id])?;
        refused(node.cri.start(&created).await, &[Code::FailedPrecondition], &[&pod.id])?;
        node.finish().await
    })
}

#[test]
fn ids_that_are_none() -> Result {
    run(async {
        let node = Node::start().await?;
        let long = "a".repeat(4096);
        for id in ["", "../../etc", "with\nnewline", "ümlaut", &long, "zzzz"] {
            let unknown = [Code::NotFound, Code::InvalidArgument];
            refused(node.cri.status(id).await, &unknown, &[])?;
            refused(node.cri.pod_status(id).await, &unknown, &[])?;
            refused(node.cri.exec(id, ["true"]).await, &unknown, &[])?;
            refused(node.cri.stats(id).await, &unknown, &[])?;
            refused(node.cri.reopen_log(id).await, &unknown, &[])?;
            refused(node.cri.start(id).await, &unknown, &[])?;
        }
        node.finish().await
    })
}

#[test]
fn a_message_of_many_megabytes_is_taken_or_refused_and_the_node_goes_on() -> Result {
    run(async {
        let node = Node::start().await?;
        let pod = node.run_pod(&node.pod("p")).await?;
        // Five megabytes of environment is more than a kernel takes, but less than a message may have.
        let mut big = container("big").shell("true");
        for number in 0..5_000 {
            big = big.env(&format!("VARIABLE_{number}"), "x".repeat(1_000));
        }
        let id = node.create(&pod, &big).await;
        if let Ok(id) = id {
            // E2BIG from the kernel, told as a start error.
            assert!(node.cri.start(&id).await.is_err());
        }
        let mut huge = node.pod("huge");
        huge.config.annotations.insert("big".to_owned(), "x".repeat(17 << 20));
        assert!(node.cri.run_pod(&huge.config).await.is_err(), "over 16 MiB");
        assert_eq!(node.cri.pods().await?.len(), 1);
        node.finish().await
    })
}
