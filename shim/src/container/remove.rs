//! RemoveContainer: stop by force, cgroup, files. Idempotent.
use std::sync::Arc;

use proto::{
    monitor::{self as wire, request::Request},
    record,
};

use super::{Container, stop};
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Kind, Result},
    events::{self, What},
    image,
    pod::teardown::remove_tree,
    steps::Step,
};

pub(crate) async fn remove(cx: &Arc<Ctx>, id: &str) -> Result<()> {
    match cx.store.container(id) {
        Ok(container) => remove_container(cx, &container).await,
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

pub(crate) async fn remove_container(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    cx.steps.reach(Step::RemoveKill)?;
    stop::stop(cx, container, 0).await?;
    let (context, target) = (cx.clone(), container.clone());
    container.driver.run("remove", async move { operation(&context, &target).await }).await
}

async fn operation(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    if container.state() == record::State::Removing {
        return Ok(());
    }
    teardown(cx, container).await?;
    events::send(cx, What::ContainerDeletedEvent, container.id().as_str(), container.pod_id());
    Ok(())
}

/// Takes away whatever the record names, the record last. Also what a failed create and recovery call.
pub(crate) async fn teardown(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    if let Ok(pod) = cx.store.pod(container.pod_id().as_str())
        && let Some(monitor) = pod.monitor_if_alive()
    {
        // A monitor that never knew the container has nothing to forget.
        let _ = monitor
            .call(Request::Forget(wire::Forget { container_id: container.id().to_string() }), &[])
            .await;
    }
    cx.steps.reach(Step::RemoveCgroup)?;
    let (context, target) = (cx.clone(), container.clone());
    blocking::run("remove a container", move || {
        context.cgroups.remove(&target.record().cgroup_path).map_err(Error::from)?;
        context.steps.reach(Step::RemoveTree)?;
        let _ = std::fs::remove_file(context.layout.exit_record(target.pod_id(), target.id()));
        remove_tree(&context.layout.container_work(target.id()))?;
        remove_tree(&context.layout.container_upper(target.id()))?;
        remove_tree(&context.layout.container_volumes(target.id()))?;
        remove_tree(&context.layout.container(target.id()))
    })
    .await?;
    container.mark(|record| record.set_state(record::State::Removing));
    cx.store.forget_container(container);
    let (context, target) = (cx.clone(), container.clone());
    let collected =
        blocking::run("collect image layers", move || image::collect(&context, &target.record())).await;
    if let Err(error) = collected {
        tracing::warn!(container = %container.id(), error = error.chain(), "layers that only this container used stay until the next start of the daemon");
    }
    Ok(())
}
