//! UpdateContainerResources: all of it or none of it, for created and running containers.
use std::sync::Arc;

use proto::{cri, record};

use super::{Container, create};
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Result},
};

pub(crate) async fn update(cx: &Arc<Ctx>, request: cri::UpdateContainerResourcesRequest) -> Result<()> {
    let container = cx.store.container(&request.container_id)?;
    let Some(wanted) = request.linux else { return Ok(()) };
    let (context, target) = (cx.clone(), container.clone());
    // Updates must not join: each carries its own values. They still queue behind each other.
    let turn = container.driver.turn().await;
    let outcome =
        blocking::run("update a container's resources", move || apply(&context, &target, &wanted)).await;
    drop(turn);
    outcome.map_err(|error| error.within(format!("update container {}", container.id())))
}

fn apply(cx: &Ctx, container: &Container, wanted: &cri::LinuxContainerResources) -> Result<()> {
    let state = container.state();
    if !matches!(state, record::State::Ready | record::State::Running) {
        return Err(Error::wrong_state("only created and running containers have resources to update"));
    }
    let merged = spec::resources::merged(&container.record().resources.clone().unwrap_or_default(), wanted);
    let mut limits = spec::resources::resources(&merged, &cx.node)?;
    let old = create::linux_resources(cx, container)?;
    // Device rules are decided at creation and no resource of CRI.
    limits.set_devices(old.devices().clone());
    if state == record::State::Running {
        cx.cgroups.update(&container.record().cgroup_path, &limits)?;
    }
    container.update(cx, |record| record.resources = Some(merged))?;
    container.set_limits(limits);
    Ok(())
}
