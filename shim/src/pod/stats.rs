//! PodSandboxStats: the sums of its containers, and the network as the pod's namespace counts it.
use std::sync::Arc;

use proto::{cri, record};

use super::{Pod, list};
use crate::{
    blocking, container,
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
    let config = record.config.clone().unwrap_or_default();
    let now = now_ns();
    let containers: Vec<_> = cx
        .store
        .containers_of(pod.id())
        .iter()
        .filter(|container| container.state() == record::State::Running)
        .filter_map(|container| container::stats::of(cx, container))
        .collect();
    let processes = cx.cgroups.stats(&record.cgroup_parent).ok();
    cri::PodSandboxStats {
        attributes: Some(cri::PodSandboxAttributes {
            id: record.id.clone(),
            metadata: config.metadata,
            labels: config.labels,
            annotations: config.annotations,
        }),
        linux: Some(cri::LinuxPodSandboxStats {
            cpu: processes.as_ref().map(|stats| container::stats::cpu(stats, now, &pod.cpu_rate)),
            memory: processes.as_ref().map(|stats| container::stats::memory(stats, now)),
            network: network(record.monitor_pid, record.host_network, now),
            process: Some(cri::ProcessUsage {
                timestamp: now,
                process_count: processes.as_ref().map(|stats| container::stats::value(stats.pids.current)),
            }),
            containers,
            io: None,
        }),
        windows: None,
    }
}

/// The counters of the pod's interfaces, as the monitor, which lives in the pod's namespace, sees them.
fn network(monitor_pid: i32, host_network: bool, now: i64) -> Option<cri::NetworkUsage> {
    if host_network {
        return None;
    }
    let table = std::fs::read_to_string(format!("/proc/{monitor_pid}/net/dev")).ok()?;
    let mut interfaces: Vec<_> =
        table.lines().filter_map(interface).filter(|usage| usage.name != "lo").collect();
    let default = interfaces.iter().position(|usage| usage.name == "eth0").map(|at| interfaces.remove(at));
    Some(cri::NetworkUsage { timestamp: now, default_interface: default, interfaces })
}

/// One line of /proc/net/dev: name, then eight receive and eight transmit counters.
fn interface(line: &str) -> Option<cri::NetworkInterfaceUsage> {
    let (name, rest) = line.split_once(':')?;
    let numbers: Vec<u64> = rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let value = |at: usize| numbers.get(at).map(|value| cri::UInt64Value { value: *value });
    Some(cri::NetworkInterfaceUsage {
        name: name.trim().into(),
        rx_bytes: value(0),
        rx_errors: value(2),
        tx_bytes: value(8),
        tx_errors: value(10),
    })
}

#[cfg(test)]
mod tests;
