//! StopPodSandbox: containers, network, monitor, commit. Idempotent; an unknown sandbox is stopped already.
use std::sync::Arc;

use proto::record;

use super::{Pod, teardown};
use crate::{
    ctx::Ctx,
    error::{Kind, Result},
    events::{self, What},
    steps::Step,
};

pub(crate) async fn stop(cx: &Arc<Ctx>, id: &str) -> Result<()> {
    match cx.store.pod(id) {
        Ok(pod) => stop_pod(cx, &pod).await,
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn stop_pod(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    let (context, target) = (cx.clone(), pod.clone());
    pod.driver.run("stop", async move { operation(&context, &target).await }).await
}

async fn operation(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    let was_ready = pod.state() == record::State::Ready;
    if !was_ready && pod.state() != record::State::Stopped {
        return Ok(());
    }
    // Not ready first: no container may be made while the sandbox goes.
    if was_ready {
        pod.save(cx, |record| record.set_state(record::State::Stopped)).await?;
    }
    let taken = teardown::kernel_objects(cx, pod).await;
    cx.steps.reach(Step::StopPodCommit)?;
    if was_ready {
        events::send(cx, What::ContainerStoppedEvent, pod.id().as_str(), pod.id());
    }
    taken.map_err(|error| error.within(format!("stop pod sandbox {}", pod.id())))
}
