//! Container and sandbox events for whoever listens. A slow listener loses events, never delays an operation.
use proto::cri;
use tokio::sync::broadcast;

use crate::{
    container,
    ctx::{Ctx, now_ns},
    ids::PodId,
    pod,
};

/// What happened; CRI's own words.
pub(crate) use proto::cri::ContainerEventType as What;

/// Events kept for a listener that is behind.
const BACKLOG: usize = 1024;

#[derive(Debug)]
pub(crate) struct Events {
    sender: broadcast::Sender<cri::ContainerEventResponse>,
}

impl Default for Events {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(BACKLOG) }
    }
}

impl Events {
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<cri::ContainerEventResponse> {
        self.sender.subscribe()
    }
}

/// Tells listeners what happened to a container, or to the sandbox when `container` is the pod's own id. The pod's state of
/// this moment goes along: kubelet drops events without it, so a deletion is told before the pod is forgotten.
pub(crate) fn send(cx: &Ctx, what: What, container: &str, pod: &PodId) {
    if cx.events.sender.receiver_count() == 0 {
        return;
    }
    let Ok(sandbox) = cx.store.pod(pod.as_str()) else { return };
    let statuses = cx.store.containers_of(pod);
    let event = cri::ContainerEventResponse {
        container_id: container.into(),
        container_event_type: what.into(),
        created_at: now_ns(),
        pod_sandbox_status: Some(pod::status::of(&sandbox)),
        containers_statuses: statuses
            .iter()
            .filter(|container| container.is_visible())
            .map(|container| container::status::of(cx, container))
            .collect(),
    };
    // An error only says that the last listener has just gone.
    let _ = cx.events.sender.send(event);
}
