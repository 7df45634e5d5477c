//! Lists: filters alone and together, ids by their beginning, the same truth as status.

use std::collections::HashMap;

use harness::{Node, Result, container, run};
use proto::cri::{ContainerFilter, ContainerState, ContainerStateValue, PodSandboxState};

#[test]
fn pods_are_found_by_id_state_and_labels() -> Result {
    run(async {
        let node = Node::start().await?;
        let one = node.run_pod(&node.pod("one").label("app", "web").label("tier", "front")).await?;
        let two = node.run_pod(&node.pod("two").label("app", "web")).await?;
        node.cri.stop_pod(&two.id).await?;
        let ids = async |id: &str, state: Option<PodSandboxState>, labels: &[(&str, &str)]| {
            let mut ids: Vec<String> =
                node.cri.pods_with(id, state, labels).await?.into_iter().map(|pod| pod.id).collect();
            ids.sort();
            Ok::<_, harness::Failure>(ids)
        };
        let mut both = vec![one.id.clone(), two.id.clone()];
        both.sort();
        assert_eq!(ids("", None, &[]).await?, both);
        assert_eq!(ids("", None, &[("app", "web")]).await?, both);
        assert_eq!(ids("", None, &[("app", "web"), ("tier", "front")]).await?, [one.id.as_str()]);
        assert_eq!(ids("", Some(PodSandboxState::SandboxReady), &[]).await?, [one.id.as_str()]);
        assert_eq!(
            ids("", Some(PodSandboxState::SandboxNotready), &[("app", "web")]).await?,
            [two.id.as_str()]
        );
        assert_eq!(ids(&one.id, None, &[]).await?, [one.id.as_str()]);
        assert_eq!(ids(&one.id[..13], None, &[]).await?, [one.id.as_str()]);
        assert_eq!(ids(&one.id, Some(PodSandboxState::SandboxNotready), &[]).await?, Vec::<String>::new());
        assert_eq!(ids("ffffffffffff", None, &[]).await?, Vec::<String>::new());
        assert_eq!(ids("", None, &[("app", "db")]).await?, Vec::<String>::new());

        let listed = node.cri.pods_with(&one.id, None, &[]).await?.remove(0);
        let status = node.cri.pod_status(&one.id[..13]).await?;
        assert_eq!(
            (listed.id, listed.metadata, listed.created_at),
            (status.id, status.metadata, status.created_at)
        );
        assert_eq!((listed.labels, listed.annotations), (status.labels, status.annotations));
        node.finish().await
    })
}

#[test]
fn containers_are_found_by_id_pod_state_and_labels() -> Result {
    run(async {
        let node = Node::start().await?;
        let (one, running) = node.sleeper("one").await?;
        let two = node.run_pod(&node.pod("two")).await?;
        let created = node.create(&two, &container("created").label("tier", "back")).await?;
        let exited =
            node.start_container(&two, &container("exited").shell("exit 0").label("tier", "back")).await?;
        node.wait_exit(&exited).await?;
        let ids = async |filter: ContainerFilter| {
            let mut ids: Vec<String> =
                node.cri.containers(filter).await?.into_iter().map(|one| one.id).collect();
            ids.sort();
            Ok::<_, harness::Failure>(ids)
        };
        let sorted = |mut ids: Vec<&String>| {
            ids.sort();
            ids.into_iter().cloned().collect::<Vec<_>>()
        };
        let filter = ContainerFilter::default;
        let state = |state: ContainerState| Some(ContainerStateValue { state: state.into() });
        assert_eq!(ids(filter()).await?, sorted(vec![&running, &created, &exited]));
        assert_eq!(
            ids(ContainerFilter { pod_sandbox_id: one.id.clone(), ..filter() }).await?,
            [running.as_str()]
        );
        assert_eq!(
            ids(ContainerFilter { pod_sandbox_id: two.id[..13].to_owned(), ..filter() }).await?,
            sorted(vec![&created, &exited])
        );
        assert_eq!(
            ids(ContainerFilter { state: state(ContainerState::ContainerRunning), ..filter() }).await?,
            [running.as_str()]
        );
        assert_eq!(
            ids(ContainerFilter { state: state(ContainerState::ContainerCreated), ..filter() }).await?,
            [created.as_str()]
        );
        assert_eq!(
            ids(ContainerFilter { state: state(ContainerState::ContainerExited), ..filter() }).await?,
            [exited.as_str()]
        );
        let labels = HashMap::from([("tier".to_owned(), "back".to_owned())]);
        let labelled = ContainerFilter {
            label_selector: labels.into_iter().collect(),
            state: state(ContainerState::ContainerExited),
            ..filter()
        };
        assert_eq!(ids(labelled).await?, [exited.as_str()]);
        assert_eq!(
            ids(ContainerFilter { id: running[..13].to_owned(), ..filter() }).await?,
            [running.as_str()]
        );

        let listed =
            node.cri.containers(ContainerFilter { id: running.clone(), ..filter() }).await?.remove(0);
        let status = node.cri.status(&running[..13]).await?;
        assert_eq!((listed.id, listed.metadata, listed.state), (status.id, status.metadata, status.state));
        assert_eq!(
            (listed.image_ref, listed.image_id, listed.image),
            (status.image_ref, status.image_id, status.image)
        );
        assert_eq!((listed.pod_sandbox_id, listed.created_at), (one.id, status.created_at));
        node.finish().await
    })
}

#[test]
fn verbs_take_the_beginning_of_an_id() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        let (pod, id) = (&pod.id[..13], &id[..13]);
        assert_eq!(node.cri.shell(id, "echo hello").await?, "hello\n");
        node.cri.stats(id).await?;
        node.cri.stop(id, 5).await?;
        node.cri.remove(id).await?;
        node.cri.stop_pod(pod).await?;
        node.cri.remove_pod(pod).await?;
        assert!(node.cri.pods().await?.is_empty());
        node.finish().await
    })
}

#[test]
fn verbose_status_has_information_as_json() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, id) = node.sleeper("p").await?;
        let pod_info = node.cri.pod_status_verbose(&pod.id).await?.info;
        let info = node.cri.status_verbose(&id).await?.info;
        for (name, text) in pod_info.iter().chain(&info) {
            assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{name}: {text}");
        }
        let text = info.get("info").cloned().unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text)?;
        let pid = value["pid"].as_u64().unwrap_or_default();
        let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(command.starts_with("sh"), "pid {pid} is {command:?}");
        node.finish().await
    })
}
