//! GetContainerEvents and the six streamed lists, as kubelet uses them.

use std::{collections::HashMap, time::Duration};

use e2e::monitor_of;
use harness::{Doing, Node, Result, container, run};
use proto::cri::{
    self, ContainerEventResponse, ContainerEventType as What, ContainerState, GetEventsRequest,
    PodSandboxState,
};
use tonic::Streaming;

/// Only a failing test waits it out.
const PATIENCE: Duration = Duration::from_secs(30);

async fn listen(node: &Node) -> Result<Streaming<ContainerEventResponse>> {
    Ok(node.cri.runtime().get_container_events(GetEventsRequest {}).await?.into_inner())
}

async fn next(events: &mut Streaming<ContainerEventResponse>) -> Result<ContainerEventResponse> {
    let event = tokio::time::timeout(PATIENCE, events.message()).await??;
    event.doing(|| "hear of an event before the stream ends".to_owned())
}

async fn take(
    events: &mut Streaming<ContainerEventResponse>,
    count: usize,
) -> Result<Vec<ContainerEventResponse>> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(next(events).await?);
    }
    Ok(taken)
}

fn states(event: &ContainerEventResponse) -> Vec<ContainerState> {
    event.containers_statuses.iter().map(|status| status.state()).collect()
}

#[test]
fn every_step_of_a_pod_and_its_container_is_told_in_order_with_the_state_of_that_moment() -> Result {
    run(async {
        let node = Node::start().await?;
        let (mut events, mut others) = (listen(&node).await?, listen(&node).await?);
        let pod = node.run_pod(&node.pod("p")).await?;
        // Ends as soon as it has begun: the start is told first all the same.
        let id = node.start_container(&pod, &container("c").shell("exit 3")).await?;
        node.wait_exit(&id).await?;
        node.cri.remove(&id).await?;
        node.remove_pod(&pod).await?;

        let heard = take(&mut events, 8).await?;
        let told: Vec<_> =
            heard.iter().map(|event| (event.container_event_type(), event.container_id.clone())).collect();
        let (c, p) = (id.clone(), pod.id.clone());
        assert_eq!(
            told,
            [
                (What::ContainerCreatedEvent, p.clone()),
                (What::ContainerStartedEvent, p.clone()),
                (What::ContainerCreatedEvent, c.clone()),
                (What::ContainerStartedEvent, c.clone()),
                (What::ContainerStoppedEvent, c.clone()),
                (What::ContainerDeletedEvent, c),
                (What::ContainerStoppedEvent, p.clone()),
                (What::ContainerDeletedEvent, p),
            ]
        );
        assert!(heard.is_sorted_by(|one, next| one.created_at < next.created_at), "{heard:?}");
        for event in &heard {
            let sandbox = event.pod_sandbox_status.clone().unwrap_or_default();
            assert_eq!((sandbox.id, sandbox.metadata.unwrap_or_default().name), (pod.id.clone(), "p".into()));
        }
        let sandboxes: Vec<_> =
            heard.iter().map(|event| event.pod_sandbox_status.clone().unwrap_or_default().state()).collect();
        assert_eq!(sandboxes[..6], [PodSandboxState::SandboxReady; 6]);
        assert_eq!(sandboxes[6..], [PodSandboxState::SandboxNotready; 2]);
        assert_eq!(states(&heard[2]), [ContainerState::ContainerCreated]);
        assert_eq!(states(&heard[3]), [ContainerState::ContainerRunning]);
        assert_eq!(states(&heard[4]), [ContainerState::ContainerExited]);
        assert_eq!(heard[4].containers_statuses.first().map(|status| status.exit_code), Some(3));
        assert!(heard[5..].iter().all(|event| states(event).is_empty()), "it is gone");
        assert_eq!(take(&mut others, 8).await?, heard, "every listener hears the same");
        node.finish().await
    })
}

#[test]
fn a_start_that_fails_and_a_monitor_that_dies_are_told_as_ends() -> Result {
    run(async {
        let node = Node::start().await?;
        let (pod, sleeper) = node.sleeper("p").await?;
        let failing = node.create(&pod, &container("f").command(["/no/such/program"])).await?;
        let mut events = listen(&node).await?;
        assert!(node.cri.start(&failing).await.is_err());
        let event = next(&mut events).await?;
        assert_eq!(
            (event.container_event_type(), event.container_id),
            (What::ContainerStoppedEvent, failing)
        );
        let monitor = monitor_of(&node, &pod.id)?;
        sys::pidfd::send_signal(&sys::pidfd::open(monitor)?, 9)?;
        let heard = take(&mut events, 2).await?;
        let told: Vec<_> =
            heard.iter().map(|event| (event.container_event_type(), event.container_id.clone())).collect();
        assert_eq!(
            told,
            [(What::ContainerStoppedEvent, sleeper), (What::ContainerStoppedEvent, pod.id.clone())]
        );
        node.finish().await
    })
}

async fn all<T>(mut stream: Streaming<T>) -> Result<Vec<T>> {
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await? {
        messages.push(message);
    }
    Ok(messages)
}

#[test]
fn streamed_lists_hold_what_lists_hold_in_messages_of_bounded_size() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut runtime = node.cri.runtime();
        let nothing =
            all(runtime.stream_containers(cri::StreamContainersRequest::default()).await?.into_inner());
        assert!(nothing.await?.is_empty(), "an empty list is no message");
        let mut pods = Vec::new();
        for name in ["one", "two", "three"] {
            let mut wanted = node.pod(name);
            wanted.config.annotations.insert("large".into(), "x".repeat(300_000));
            let pod = node.run_pod(&wanted).await?;
            let mut one = container("c").shell("exec sleep 1000").label("of", name);
            one.config.annotations.insert("large".into(), "x".repeat(300_000));
            node.start_container(&pod, &one).await?;
            pods.push(pod);
        }
        let messages =
            all(runtime.stream_containers(cri::StreamContainersRequest::default()).await?.into_inner());
        let messages = messages.await?;
        assert_eq!(messages.iter().map(|message| message.containers.len()).collect::<Vec<_>>(), [1, 1, 1]);
        let streamed: Vec<_> = messages.into_iter().flat_map(|message| message.containers).collect();
        assert_eq!(streamed, node.cri.containers(cri::ContainerFilter::default()).await?);

        let messages =
            all(runtime.stream_pod_sandboxes(cri::StreamPodSandboxesRequest::default()).await?.into_inner());
        let messages = messages.await?;
        assert_eq!(messages.len(), 3);
        let streamed: Vec<_> = messages.into_iter().flat_map(|message| message.pod_sandboxes).collect();
        assert_eq!(streamed, node.cri.pods().await?);

        let filter = cri::ContainerFilter {
            label_selector: HashMap::from([("of".to_owned(), "two".to_owned())]).into_iter().collect(),
            ..Default::default()
        };
        let request = cri::StreamContainersRequest { filter: Some(filter) };
        let messages = all(runtime.stream_containers(request).await?.into_inner()).await?;
        let found: Vec<_> = messages.into_iter().flat_map(|message| message.containers).collect();
        let ids: Vec<_> = found.into_iter().map(|one| one.pod_sandbox_id).collect();
        assert_eq!(ids, [pods[1].id.clone()]);
        node.finish().await
    })
}

#[test]
fn statistics_metrics_and_images_are_streamed_too() -> Result {
    run(async {
        let node = Node::start().await?;
        let mut runtime = node.cri.runtime();
        let (pod, id) = node.sleeper("p").await?;
        let stats =
            runtime.stream_container_stats(cri::StreamContainerStatsRequest::default()).await?.into_inner();
        let stats: Vec<_> =
            all(stats).await?.into_iter().flat_map(|message| message.container_stats).collect();
        let ids: Vec<_> = stats.into_iter().map(|stats| stats.attributes.unwrap_or_default().id).collect();
        assert_eq!(ids, std::slice::from_ref(&id));
        let stats = runtime
            .stream_pod_sandbox_stats(cri::StreamPodSandboxStatsRequest::default())
            .await?
            .into_inner();
        let stats: Vec<_> =
            all(stats).await?.into_iter().flat_map(|message| message.pod_sandbox_stats).collect();
        let ids: Vec<_> = stats.into_iter().map(|stats| stats.attributes.unwrap_or_default().id).collect();
        assert_eq!(ids, std::slice::from_ref(&pod.id));
        let metrics = runtime
            .stream_pod_sandbox_metrics(cri::StreamPodSandboxMetricsRequest::default())
            .await?
            .into_inner();
        let metrics: Vec<_> =
            all(metrics).await?.into_iter().flat_map(|message| message.pod_sandbox_metrics).collect();
        assert_eq!(metrics.len(), 1);
        assert_eq!(metrics[0].container_metrics.first().map(|one| one.container_id.clone()), Some(id));
        let mut service = node.cri.image_service();
        let images = service.stream_images(cri::StreamImagesRequest::default()).await?.into_inner();
        let images: Vec<_> = all(images).await?.into_iter().flat_map(|message| message.images).collect();
        assert_eq!(images, node.cri.images().await?);
        assert!(!images.is_empty());
        node.finish().await
    })
}
