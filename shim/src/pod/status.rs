//! PodSandboxStatus: from memory.
use std::collections::HashMap;

use proto::cri;

use super::{Pod, list, namespace_options};
use crate::{
    container,
    ctx::Ctx,
    error::{Error, Result},
};

pub(crate) fn status(cx: &Ctx, id: &str, verbose: bool) -> Result<cri::PodSandboxStatusResponse> {
    let pod = cx.store.pod(id)?;
    if !pod.is_visible() {
        return Err(Error::not_found(format!("pod sandbox {id:?}: not found")));
    }
    Ok(cri::PodSandboxStatusResponse {
        status: Some(of(&pod)),
        info: if verbose { info(&pod) } else { HashMap::new() },
        containers_statuses: cx
            .store
            .containers_of(pod.id())
            .iter()
            .filter(|container| container.is_visible())
            .map(|container| container::status::of(cx, container))
            .collect(),
        timestamp: crate::ctx::now_ns(),
    })
}

pub(crate) fn of(pod: &Pod) -> cri::PodSandboxStatus {
    let record = pod.record();
    let config = record.config.clone().unwrap_or_default();
    let options = namespace_options(&config);
    let mut addresses = record.ips.iter().cloned();
    cri::PodSandboxStatus {
        id: record.id.clone(),
        metadata: config.metadata,
        state: list::cri_state(record.state()).into(),
        created_at: record.created_at_ns,
        network: Some(cri::PodSandboxNetworkStatus {
            ip: addresses.next().unwrap_or_default(),
            additional_ips: addresses.map(|ip| cri::PodIp { ip }).collect(),
        }),
        linux: Some(cri::LinuxPodSandboxStatus {
            namespaces: Some(cri::Namespace { options: Some(options) }),
        }),
        labels: config.labels,
        annotations: config.annotations,
        runtime_handler: record.runtime_handler.clone(),
    }
}

/// What kubelet last said that all of a pod may use.
fn resources(of: &cri::LinuxContainerResources) -> serde_json::Value {
    serde_json::json!({
        "cpuPeriod": of.cpu_period,
        "cpuQuota": of.cpu_quota,
        "cpuShares": of.cpu_shares,
        "memoryLimitInBytes": of.memory_limit_in_bytes,
        "unified": of.unified,
    })
}

fn info(pod: &Pod) -> HashMap<String, String> {
    let record = pod.record();
    let linux = record.config.as_ref().and_then(|config| config.linux.clone()).unwrap_or_default();
    let info = serde_json::json!({
        "pid": record.monitor_pid,
        "overhead": linux.overhead.as_ref().map(resources),
        "resources": linux.resources.as_ref().map(resources),
        "owner": record.owner,
        "hostInterface": record.host_interface,
        "cniNetwork": record.cni_network,
        "cgroupParent": record.cgroup_parent,
        "netns": if record.host_network { String::new() } else { format!("/proc/{}/ns/net", record.monitor_pid) },
    });
    HashMap::from([("info".to_owned(), info.to_string())])
}
