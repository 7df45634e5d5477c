//! Follows one monitor: what it reports becomes the records' truth, and its own end is noticed.
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use proto::{
    monitor::{self as wire, reply, request::Request},
    record,
};

use super::Monitor;
use crate::{
    container,
    ctx::Ctx,
    error::{Error, Kind, Result},
    pod::{self, Pod},
};

/// Before a broken watch of a living monitor is made anew.
const RETRY: Duration = Duration::from_millis(200);

/// A monitor answers within milliseconds; one that hangs must not keep the node from starting.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Starts following the pod's monitor; ends with it, or when the pod lets go of it.
pub(crate) fn spawn(cx: &Arc<Ctx>, pod: &Arc<Pod>) {
    let Some(monitor) = pod.monitor_if_alive() else { return };
    let (cx, pod) = (cx.clone(), Arc::downgrade(pod));
    tokio::spawn(async move {
        tokio::select! {
            () = follow(&cx, &monitor) => {}
            () = monitor.ended() => {}
        }
        // It wrote its last exit records before it ended; the socket is gone, so they are read from disk.
        if let Some(pod) = still_ours(&pod, &monitor) {
            lost(&cx, &pod).await;
        }
    });
}

/// The pod, if this monitor is the one it still counts on: a sandbox that stops takes its monitor out first.
fn still_ours(pod: &Weak<Pod>, monitor: &Arc<Monitor>) -> Option<Arc<Pod>> {
    let pod = pod.upgrade()?;
    let current = pod.monitor_if_alive()?;
    Arc::ptr_eq(&current, monitor).then_some(pod)
}

async fn follow(cx: &Arc<Ctx>, monitor: &Monitor) {
    loop {
        if let Err(error) = events(cx, monitor).await {
            tracing::debug!(
                monitor = monitor.pid(),
                error = error.chain(),
                "watch of a monitor broke; watching again"
            );
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn events(cx: &Arc<Ctx>, monitor: &Monitor) -> Result<()> {
    let mut connection = monitor.open(Request::Watch(wire::Watch {}), &[]).await?;
    loop {
        let answer = connection.answer().await?;
        if let reply::Reply::Event(event) = answer.reply {
            apply(cx, event).await;
        }
    }
}

/// At start: takes over what the monitor saw while no daemon ran, before anything is served.
pub(crate) async fn catch_up(cx: &Arc<Ctx>, monitor: &Monitor) -> Result<()> {
    let told = async {
        let mut connection = monitor.open(Request::Watch(wire::Watch {}), &[]).await?;
        loop {
            match connection.answer().await?.reply {
                reply::Reply::Event(event) if event.synced => return Ok(()),
                reply::Reply::Event(event) => apply(cx, event).await,
                _ => {}
            }
        }
    };
    tokio::time::timeout(CATCH_UP, told).await.unwrap_or_else(|_| {
        Err(Error::new(Kind::Timeout, format!("monitor {} does not answer", monitor.pid())))
    })
}

/// Brings a container's record in line with what its monitor saw.
pub(crate) async fn apply(cx: &Arc<Ctx>, event: wire::Event) {
    let Ok(container) = cx.store.container(&event.container_id) else { return };
    if let Some(started) = event.started
        && container.state() == record::State::Ready
    {
        container::start::commit(cx, &container, started).await;
    }
    if let Some(exited) = event.exited {
        container::exited::commit(cx, &container, exited).await;
    }
}

/// The monitor died without being asked to. What it held is gone; the pod must not look alive.
async fn lost(cx: &Arc<Ctx>, pod: &Arc<Pod>) {
    tracing::error!(pod = %pod.id(), "the pod's monitor ended unexpectedly; stopping the sandbox");
    end_without_monitor(cx, pod).await;
}

/// Ends what a monitor that is gone has left, and stops the sandbox.
pub(crate) async fn end_without_monitor(cx: &Arc<Ctx>, pod: &Arc<Pod>) {
    for container in cx.store.containers_of(pod.id()) {
        if let Err(error) = container::exited::monitor_lost(cx, &container).await {
            tracing::warn!(container = %container.id(), error = error.chain(), "what a lost monitor left could not be killed; the sandbox's stop tries again");
        }
    }
    if let Err(error) = pod::stop::stop_pod(cx, pod).await {
        tracing::warn!(pod = %pod.id(), error = error.chain(), "a sandbox without monitor could not be stopped whole; StopPodSandbox tries again");
    }
}
