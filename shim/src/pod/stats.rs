//! PodSandboxStats: the sums of its containers, and the network as the pod's namespace counts it.
use std::sync::Arc;

use proto::{cri, record};

use super::{
    Pod,
    interfaces::{self, Interface},
    list,
};
use crate::{
    blocking,
    container::{
        self,
        stats::{Reading, value},
    },
    ctx::{Ctx, now_ns},
    error::{Error, Result},
};

pub(crate) async fn one(cx: &Arc<Ctx>, id: &str) -> Result<cri::PodSandboxStats> {
    let pod = cx.store.pod(id)?;
    if !pod.is_visible() {
        return Err(Error::not_found(format!("pod sandbox {id:?}: not found")));
    }
    let cx = cx.clone();
    blocking::run("read a pod's statistics", move || Ok(of(&cx, &pod))).await
}

pub(crate) async fn list(
    cx: &Arc<Ctx>,
    filter: Option<cri::PodSandboxStatsFilter>,
) -> Result<Vec<cri::PodSandboxStats>> {
    let cx = cx.clone();
    blocking::run("read the pods' statistics", move || {
        let wanted = |pod: &Arc<Pod>| {
            let record = pod.record();
            let labels = record.config.as_ref().map(|config| config.labels.clone()).unwrap_or_default();
            list::visible(&record)
                && record.state() == record::State::Ready
                && filter.as_ref().is_none_or(|filter| {
                    record.id.starts_with(&filter.id) && list::labels_match(&filter.label_selector, &labels)
                })
        };
        Ok(cx.store.pods().iter().filter(|pod| wanted(pod)).map(|pod| of(&cx, pod)).collect())
    })
    .await
}

fn of(cx: &Ctx, pod: &Pod) -> cri::PodSandboxStats {
    let record = pod.record();
    let none = cri::PodSandboxConfig::default();
    let config = record.config.as_ref().unwrap_or(&none);
    let containers: Vec<_> = cx
        .store
        .containers_of(pod.id())
        .iter()
        .filter(|container| container.state() == record::State::Running)
        .filter_map(|container| container::stats::of(cx, container))
        .collect();
    let reading = Reading::take(cx, &record.cgroup_parent, &pod.cpu_rate);
    cri::PodSandboxStats {
        attributes: Some(cri::PodSandboxAttributes {
            id: record.id.clone(),
            metadata: config.metadata.clone(),
            labels: config.labels.clone(),
            annotations: config.annotations.clone(),
        }),
        linux: Some(cri::LinuxPodSandboxStats {
            cpu: reading.as_ref().map(Reading::cpu),
            memory: reading.as_ref().map(Reading::memory),
            network: network(&record),
            process: reading.as_ref().map(Reading::processes),
            containers,
            io: reading.as_ref().and_then(Reading::io),
        }),
        windows: None,
    }
}

fn network(record: &record::Pod) -> Option<cri::NetworkUsage> {
    if record.host_network {
        return None;
    }
    let mut interfaces: Vec<_> = interfaces::of(record).into_iter().map(usage).collect();
    let default = interfaces.iter().position(|usage| usage.name == "eth0").map(|at| interfaces.remove(at));
    Some(cri::NetworkUsage { timestamp: now_ns(), default_interface: default, interfaces })
}

fn usage(interface: Interface) -> cri::NetworkInterfaceUsage {
    cri::NetworkInterfaceUsage {
        name: interface.name,
        rx_bytes: Some(value(interface.received.bytes)),
        rx_errors: Some(value(interface.received.errors)),
        tx_bytes: Some(value(interface.sent.bytes)),
        tx_errors: Some(value(interface.sent.errors)),
    }
}
