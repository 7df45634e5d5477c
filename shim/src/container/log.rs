//! ReopenContainerLog: kubelet has renamed the file; the monitor goes on in a new one.
use std::sync::Arc;

use proto::monitor::{self as wire, request::Request};

use crate::{ctx::Ctx, error::Result};

pub(crate) async fn reopen(cx: &Arc<Ctx>, id: &str) -> Result<()> {
    let container = cx.store.container(id)?;
    // A container that does not run gets an error and, as CRI demands then, no new file.
    container.require_running()?;
    let pod = cx.store.pod(container.pod_id().as_str())?;
    let request = Request::ReopenLog(wire::ReopenLog { container_id: container.id().to_string() });
    pod.monitor()?
        .call(request, &[])
        .await
        .map(|_| ())
        .map_err(|error| error.within(format!("reopen the log of container {}", container.id())))
}
