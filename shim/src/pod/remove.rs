//! RemovePodSandbox: stop, remove the containers, remove the files. Idempotent.
use std::sync::Arc;

use proto::record;

use super::{Pod, stop, teardown};
use crate::{
    container,
    ctx::Ctx,
    error::{Kind, Result},
    events,
    steps::Step,
};

pub(crate) async fn remove(cx: &Arc<Ctx>, id: &str) -> Result<()> {
    match cx.store.pod(id) {
        Ok(pod) => remove_pod(cx, &pod).await,
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn remove_pod(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    stop::stop_pod(cx, pod).await?;
    let (context, target) = (cx.clone(), pod.clone());
    pod.driver.run("remove", async move { operation(&context, &target).await }).await
}

async fn operation(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    if pod.state() == record::State::Removing {
        return Ok(());
    }
    cx.steps.reach(Step::RemovePodContainers)?;
    for container in cx.store.containers_of(pod.id()) {
        container::remove::remove_container(cx, &container).await?;
    }
    cx.steps.reach(Step::RemovePodTree)?;
    teardown::forget(cx, pod).await?;
    events::deleted(cx, pod);
    Ok(())
}
