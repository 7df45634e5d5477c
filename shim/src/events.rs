//! Container and sandbox events for whoever listens. A slow listener is let go, never waited for.
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use proto::cri;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

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
    /// Time of the last event: held while one is made and sent, so that a later one has a later time and a later state.
    last_ns: Mutex<i64>,
    /// Events that listeners who were too slow never got.
    dropped: AtomicU64,
    /// The daemon ends: nobody listens for ever.
    shutdown: CancellationToken,
}

impl Events {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
            last_ns: Mutex::new(0),
            dropped: AtomicU64::new(0),
            shutdown,
        }
    }

    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<cri::ContainerEventResponse> {
        self.sender.subscribe()
    }

    /// How many events were lost to slow listeners since the daemon started.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn count_dropped(&self, lost: u64) {
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    /// Stamps what `make` makes and sends it.
    fn send(&self, make: impl FnOnce() -> Option<cri::ContainerEventResponse>) {
        if self.sender.receiver_count() == 0 {
            return;
        }
        let mut last = self.last_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut event) = make() else { return };
        // kubelet orders by this; a clock that was set back must not make old of new.
        event.created_at = now_ns().max(*last + 1);
        *last = event.created_at;
        // An error only says that the last listener has just gone.
        let _ = self.sender.send(event);
    }
}

/// Tells listeners what happened to a container, or to the sandbox when `container` is the pod's own id. The pod's state of
/// this moment goes along: kubelet drops events without it.
pub(crate) fn send(cx: &Ctx, what: What, container: &str, pod: &PodId) {
    cx.events.send(|| of(cx, what, container, &*cx.store.pod(pod.as_str()).ok()?));
}

/// Tells of a sandbox that nobody finds any more.
pub(crate) fn deleted(cx: &Ctx, pod: &pod::Pod) {
    cx.events.send(|| of(cx, What::ContainerDeletedEvent, pod.id().as_str(), pod));
}

fn of(cx: &Ctx, what: What, container: &str, sandbox: &pod::Pod) -> Option<cri::ContainerEventResponse> {
    let statuses = cx.store.containers_of(sandbox.id());
    Some(cri::ContainerEventResponse {
        container_id: container.into(),
        container_event_type: what.into(),
        created_at: 0,
        pod_sandbox_status: Some(pod::status::of(sandbox)),
        containers_statuses: statuses
            .iter()
            .filter(|container| container.is_visible())
            .map(|container| container::status::of(cx, container))
            .collect(),
    })
}

#[cfg(test)]
mod tests;
