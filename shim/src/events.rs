//! Container and sandbox events for whoever listens. A slow listener loses events, never delays an operation.
use std::sync::Arc;

use tokio::sync::broadcast;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Created,
    Started,
    Stopped,
    Deleted,
}

/// One event; `container` is the pod's own id for events of the sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) what: What,
    pub(crate) container: String,
    pub(crate) pod: String,
    pub(crate) at_ns: i64,
}

/// Events kept for a listener that is behind.
const BACKLOG: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Events {
    sender: Arc<broadcast::Sender<Event>>,
}

impl Default for Events {
    fn default() -> Self {
        Self { sender: Arc::new(broadcast::Sender::new(BACKLOG)) }
    }
}

impl Events {
    pub(crate) fn send(&self, what: What, container: &str, pod: &str) {
        let event = Event { what, container: container.into(), pod: pod.into(), at_ns: crate::ctx::now_ns() };
        // An error only says that nobody listens.
        let _ = self.sender.send(event);
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }
}
