//! The end of a container's program: observed, recorded, told.
use std::sync::Arc;

use prost::Message;
use proto::{monitor as wire, record};

use super::{Container, control_group, oom};
use crate::{
    ctx::{Ctx, now_ns},
    error::Result,
    events::What,
    ids::PodId,
};

/// An exit record is a few dozen bytes; a larger file is not one.
const RECORD_LIMIT: u64 = 64 << 10;
/// What is reported when nobody saw the exit code.
const UNKNOWN_EXIT: i32 = 255;

/// Writes what the monitor saw into the container's record, once.
pub(crate) async fn commit(cx: &Arc<Ctx>, container: &Arc<Container>, exited: wire::Exited) {
    if !is_open(&container.record()) {
        return;
    }
    let oom = if exited.oom_killed { oom::told(cx, container).await } else { String::new() };
    let ended = container.transition(cx, What::ContainerStoppedEvent, move |record| {
        // Somebody else may have heard of it meanwhile.
        if !is_open(record) {
            return false;
        }
        record.set_state(record::State::Stopped);
        record.started_at_ns =
            if exited.started_at_ns == 0 { record.started_at_ns } else { exited.started_at_ns };
        record.finished_at_ns = exited.finished_at_ns;
        record.exit_code = exited.exit_code;
        record.exit_signal = exited.signal;
        record.oom_killed = exited.oom_killed;
        if !oom.is_empty() {
            record.message = oom;
        }
        true
    });
    if matches!(ended.await, Ok(true)) {
        release(cx, container);
    }
}

/// Whether its end is not known yet.
fn is_open(record: &record::Container) -> bool {
    matches!(record.state(), record::State::Ready | record::State::Running)
}

/// The cgroup has served. Its removal is not waited for.
fn release(cx: &Arc<Ctx>, container: &Arc<Container>) {
    let (cx, container) = (cx.clone(), container.clone());
    tokio::spawn(async move {
        if let Err(error) = control_group::remove(&cx, &container).await {
            tracing::debug!(container = %container.id(), error = error.chain(), "cgroup stays until the container is removed");
        }
    });
}

/// The exit record its monitor wrote, read from disk.
pub(crate) fn from_disk(cx: &Ctx, pod: &PodId, container: &Container) -> Option<wire::Exited> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(cx.layout.exit_record(pod, container.id())).ok()?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, RECORD_LIMIT), &mut bytes).ok()?;
    wire::Exited::decode(bytes.as_slice()).ok()
}

/// The container's monitor is gone: what runs is ended, and the exit is the recorded one or, failing that, unknown.
///
/// # Errors
/// When its processes could not be killed. Then nobody has seen it end, so it stays running unless its exit is on record,
/// and the caller's retry kills again.
pub(crate) async fn monitor_lost(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    if !is_open(&container.record()) {
        return Ok(());
    }
    let was_running = container.state() == record::State::Running;
    let killed = control_group::kill(cx, container).await;
    match from_disk(cx, container.pod_id(), container) {
        Some(exited) => commit(cx, container, exited).await,
        None if was_running && killed.is_ok() => unknown(cx, container).await,
        None => {}
    }
    killed.map_err(|error| error.within(format!("end container {}, whose monitor is gone", container.id())))
}

/// Nobody saw the exit: say so rather than guess.
pub(crate) async fn unknown(cx: &Arc<Ctx>, container: &Arc<Container>) {
    let ended = container.transition(cx, What::ContainerStoppedEvent, |record| {
        if !is_open(record) {
            return false;
        }
        record.set_state(record::State::Stopped);
        record.finished_at_ns = now_ns();
        record.exit_code = UNKNOWN_EXIT;
        record.reason = "ContainerStatusUnknown".into();
        record.message = "the container ended together with its monitor (killed, or the node went down); its exit code is unknown".into();
        true
    });
    // An error says that the change panicked, and has been logged.
    let _ = ended.await;
}
