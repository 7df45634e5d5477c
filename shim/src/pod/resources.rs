//! UpdatePodSandboxResources: kubelet has changed the pod's cgroup, which is its own; what it says is kept with the pod.
use std::sync::Arc;

use proto::{cri, record};

use crate::{
    ctx::Ctx,
    error::{Error, Result},
};

pub(crate) async fn update(cx: &Arc<Ctx>, request: cri::UpdatePodSandboxResourcesRequest) -> Result<()> {
    let pod = cx.store.pod(&request.pod_sandbox_id)?;
    if pod.state() != record::State::Ready {
        return Err(Error::wrong_state(format!(
            "pod sandbox {}: it is not running; only a running one has resources to update",
            pod.id()
        )));
    }
    let (overhead, resources) = (request.overhead, request.resources);
    let noted = pod.save(cx, move |record| {
        let linux = record.config.get_or_insert_default().linux.get_or_insert_default();
        linux.overhead = overhead;
        linux.resources = resources;
    });
    noted.await.map(drop)
}
