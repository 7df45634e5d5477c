//! The sandbox's monitor: started from a sealed copy; it makes and holds the pod's namespaces.
use std::sync::Arc;

use proto::monitor as wire;

use crate::{
    ctx::Ctx,
    error::Result,
    monitor::{self, launch},
    pod::Pod,
    steps::Step,
};

/// Bytes of the pod's /dev/shm, as Docker and the other runtimes have it.
const SHM_BYTES: u64 = 64 << 20;
/// kubelet gives sandboxes this score, so that the pod's own processes die before what holds them.
const OOM_SCORE: i32 = -998;

/// A sandbox whose namespaces exist.
#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) monitor_pid: i32,
    /// None in the host's network.
    pub(super) network: Option<launch::NetworkFds>,
}

pub(super) async fn start(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<Sandbox> {
    cx.steps.reach(Step::RunMonitor)?;
    let launched = launch::launch(cx, pod.id(), plan(cx, pod)?).await?;
    let (pid, pause) = (launched.monitor.pid(), launched.pause_pid);
    pod.adopt_monitor(launched.monitor.clone());
    pod.save(cx, move |record| {
        record.monitor_pid = pid;
        record.pause_pid = pause;
    })
    .await?;
    monitor::watch::spawn(cx, pod);
    Ok(Sandbox { monitor_pid: pid, network: launched.network })
}

fn plan(cx: &Ctx, pod: &Pod) -> Result<wire::SandboxPlan> {
    let facts = spec::check_pod(&pod.config(), &cx.node_now(), &cx.policy)?;
    Ok(wire::SandboxPlan {
        pod_id: pod.id().to_string(),
        new_network: facts.namespaces.network,
        new_ipc: facts.namespaces.ipc,
        // The host's name is the host network's business; changing it there would change it for the node.
        new_uts: facts.namespaces.network,
        shared_pid: facts.namespaces.pid == spec::PodPid::Shared,
        hostname: facts.hostname,
        sysctls: facts.sysctls,
        oom_score_adj: Some(OOM_SCORE),
        shm_size_bytes: SHM_BYTES,
    })
}
