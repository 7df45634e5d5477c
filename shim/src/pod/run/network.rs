//! The sandbox's network: address, interface, host ports.
use std::sync::Arc;

use super::process::Sandbox;
use crate::{blocking, ctx::Ctx, error::Result, pod::Pod, steps::Step};

/// Attaches the pod to the node's network. Its address is in the record before an interface carries it.
pub(super) async fn attach(cx: &Arc<Ctx>, pod: &Arc<Pod>, sandbox: Sandbox) -> Result<()> {
    cx.steps.reach(Step::RunNetwork)?;
    let Some(net) = sandbox.network else { return Ok(()) };
    let (cx, pod) = (cx.clone(), pod.clone());
    blocking::run("attach pod network", move || {
        let intent = cx.network.plan(&pod.record())?;
        let record = pod.update(&cx, |record| {
            record.ips = intent.ips.clone();
            record.host_interface.clone_from(&intent.host_interface);
            record.cni_network.clone_from(&intent.cni_network);
        })?;
        let ips = cx.network.attach(&record, sandbox.monitor_pid, &net)?;
        if ips != record.ips {
            pod.update(&cx, |record| record.ips = ips)?;
        }
        Ok(())
    })
    .await
    .map_err(|error| error.within("attach the pod to its network"))
}
