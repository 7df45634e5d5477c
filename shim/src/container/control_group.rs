//! A container's control group from the async lane: ended, or taken away.
use std::sync::Arc;

use super::Container;
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Result},
};

/// SIGKILL to whatever is in it.
pub(super) async fn kill(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    let (cx, container) = (cx.clone(), container.clone());
    blocking::run("kill a container's cgroup", move || {
        cx.cgroups.kill(&container.record().cgroup_path).map_err(Error::from)
    })
    .await
}

/// Kills what is left in it and removes it. Idempotent.
pub(super) async fn remove(cx: &Arc<Ctx>, container: &Arc<Container>) -> Result<()> {
    let (cx, container) = (cx.clone(), container.clone());
    blocking::run("remove a container's cgroup", move || {
        cx.cgroups.remove(&container.record().cgroup_path).map_err(Error::from)
    })
    .await
}
