//! UpdatePodSandboxResources: recorded. kubelet has already changed the pod's cgroup, which is its own.
use std::sync::Arc;

use proto::cri;

use crate::{blocking, ctx::Ctx, error::Result};

pub(crate) async fn update(cx: &Arc<Ctx>, request: cri::UpdatePodSandboxResourcesRequest) -> Result<()> {
    let pod = cx.store.pod(&request.pod_sandbox_id)?;
    let (context, target) = (cx.clone(), pod.clone());
    let record = move || {
        target.require_ready()?;
        let changed = target.update(&context, |record| {
            let linux = record.config.get_or_insert_default().linux.get_or_insert_default();
            linux.overhead = request.overhead.or(linux.overhead.take());
            linux.resources = request.resources.or(linux.resources.take());
        });
        changed.map(drop)
    };
    let operation = async move { blocking::run("update a pod's resources", record).await };
    let outcome = pod.driver.run_alone("update", operation).await;
    outcome.map_err(|error| error.within(format!("update pod sandbox {}", pod.id())))
}
