//! UpdateContainerResources: all of it or none of it, for created and running containers.
use std::sync::Arc;

use oci_spec::runtime::LinuxResources;
use proto::{cri, record};

use super::{Container, create};
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Result},
    steps::Step,
};

pub(crate) async fn update(cx: &Arc<Ctx>, request: cri::UpdateContainerResourcesRequest) -> Result<()> {
    let container = cx.store.container(&request.container_id)?;
    let Some(wanted) = request.linux else { return Ok(()) };
    let (context, target) = (cx.clone(), container.clone());
    let operation = async move {
        blocking::run("update a container's resources", move || apply(&context, &target, &wanted)).await
    };
    let outcome = container.driver.run_alone("update", operation).await;
    outcome.map_err(|error| error.within(format!("update container {}", container.id())))
}

/// Limits first, record last: between the two the status tells less than what holds, and kubelet asks again.
fn apply(cx: &Ctx, container: &Container, wanted: &cri::LinuxContainerResources) -> Result<()> {
    let record = container.record();
    if !matches!(record.state(), record::State::Ready | record::State::Running) {
        return Err(Error::wrong_state("only created and running containers have resources to update"));
    }
    let held = record.resources.clone().unwrap_or_default();
    let mut merged = spec::resources::merged(&held, wanted);
    // A score is each process's own and not changed here, so the status must not say it was.
    merged.oom_score_adj = held.oom_score_adj;
    let limits = limits(cx, &merged, &create::linux_resources(cx, container)?)?;
    cx.steps.reach(Step::UpdateLimits)?;
    let commit = || {
        cx.steps.reach(Step::UpdateCommit)?;
        container.update(cx, |record| record.resources = Some(merged)).map(drop)
    };
    if record.state() == record::State::Running {
        require_room(cx, &record.cgroup_path, wanted.memory_limit_in_bytes)?;
        cx.cgroups.update_and(&record.cgroup_path, &limits, commit)?;
    } else {
        commit()?;
    }
    container.set_limits(limits);
    Ok(())
}

/// The limits of `resources`; what is no resource of CRI and was decided at creation (devices, number of processes) stays
/// as it was.
pub(super) fn limits(
    cx: &Ctx,
    resources: &cri::LinuxContainerResources,
    old: &LinuxResources,
) -> Result<LinuxResources> {
    let mut limits = spec::resources::resources(resources, &cx.node)?;
    limits.set_devices(old.devices().clone());
    limits.set_pids(*old.pids());
    Ok(limits)
}

/// v1 refuses a limit below what is in use; v2 takes it and kills, which nobody meant who asked for less.
fn require_room(cx: &Ctx, group: &str, limit: i64) -> Result<()> {
    let Some(limit) = u64::try_from(limit).ok().filter(|limit| *limit > 0) else { return Ok(()) };
    let used = cx.cgroups.stats(group)?.memory.working_set_bytes;
    if used > limit {
        return Err(Error::wrong_state(format!(
            "memory limit {limit}: the container uses {used} bytes; ask again when it uses less"
        )));
    }
    Ok(())
}
