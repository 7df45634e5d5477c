//! UpdatePodSandboxResources: recorded. kubelet has already changed the pod's cgroup, which is its own.
use std::sync::Arc;

use proto::cri;

use crate::{blocking, ctx::Ctx, error::Result};

pub(crate) async fn update(cx: &Arc<Ctx>, request: cri::UpdatePodSandboxResourcesRequest) -> Result<()> {
    let pod = cx.store.pod(&request.pod_sandbox_id)?;
    // Updates must not join: each carries its own values. They still queue behind each other.
    let turn = pod.driver.turn().await;
    let (context, target) = (cx.clone(), pod.clone());
    let outcome = blocking::run("update a pod's resources", move || {
        target.require_ready()?;
        target.update(&context, |record| {
            let linux = record.config.get_or_insert_default().linux.get_or_insert_default();
            linux.overhead = request.overhead.or(linux.overhead.take());
            linux.resources = request.resources.or(linux.resources.take());
        })
    })
    .await;
    drop(turn);
    outcome.map(|_| ()).map_err(|error| error.within(format!("update pod sandbox {}", pod.id())))
}
