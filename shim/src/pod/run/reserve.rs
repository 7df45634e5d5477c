//! First step: check the request, reserve the name, write the intent.
use std::sync::Arc;

use proto::{cri, record};

use crate::{
    blocking,
    ctx::{Ctx, now_ns},
    error::{Error, Kind, Result},
    ids::PodId,
    layout::private_dir,
    pod::Pod,
    records,
    steps::Step,
    store::{Claim, KUBERNETES},
};

/// Checks what can be checked without making anything, then claims the name. An equal request under way yields its pod.
pub(super) fn reserve(cx: &Ctx, config: cri::PodSandboxConfig, handler: &str) -> Result<Arc<Pod>> {
    let facts = check(cx, &config)?;
    if !cx.config.has_handler(handler) {
        return Err(Error::invalid(format!(
            "runtime handler {handler:?}: not known on this node; use \"\" or \"berth\", or name it in the RuntimeClass"
        )));
    }
    let id = PodId::random().map_err(|error| Error::caused(Kind::Internal, "make a pod id", error))?;
    let record = intent(cx, &id, config, handler, &facts)?;
    let pod = Arc::new(Pod::new(id, record));
    match cx.store.claim_pod(&pod) {
        Claim::New => Ok(pod),
        Claim::Held(held) if held.state() == record::State::Creating && held.config() == pod.config() => {
            Ok(held)
        }
        Claim::Held(held) => Err(Error::new(
            Kind::Exists,
            format!(
                "pod sandbox name {:?}: reserved by sandbox {}; remove that one first",
                pod.reserved_name(),
                held.id()
            ),
        )),
    }
}

fn check(cx: &Ctx, config: &cri::PodSandboxConfig) -> Result<spec::PodFacts> {
    let metadata =
        config.metadata.as_ref().ok_or_else(|| Error::invalid("pod sandbox config: metadata is missing"))?;
    if metadata.name.is_empty() || metadata.namespace.is_empty() || metadata.uid.is_empty() {
        return Err(Error::invalid("pod sandbox metadata: name, namespace and uid must not be empty"));
    }
    let logs = std::path::Path::new(&config.log_directory);
    let climbs = logs.components().any(|part| part == std::path::Component::ParentDir);
    if !config.log_directory.is_empty() && (!logs.is_absolute() || climbs) {
        return Err(Error::invalid(format!(
            "log_directory {logs:?}: must be an absolute path without \"..\""
        )));
    }
    Ok(spec::check_pod(config, &cx.node, &cx.policy)?)
}

fn intent(
    cx: &Ctx,
    id: &PodId,
    config: cri::PodSandboxConfig,
    handler: &str,
    facts: &spec::PodFacts,
) -> Result<record::Pod> {
    let host_network = !facts.namespaces.network;
    let (cgroup_parent, owns_cgroup_parent) = cgroup_parent(cx, id, &config)?;
    Ok(record::Pod {
        version: records::VERSION,
        id: id.to_string(),
        owner: KUBERNETES.into(),
        state: record::State::Creating.into(),
        created_at_ns: now_ns(),
        runtime_handler: handler.into(),
        host_ports: if host_network { Vec::new() } else { host_ports(&config)? },
        cgroup_parent,
        owns_cgroup_parent,
        boot_id: cx.boot_id.clone(),
        host_network,
        config: Some(config),
        ..record::Pod::default()
    })
}

/// kubelet names the pod's cgroup and owns it; without one we make `<cgroup root>/<pod id>` and take it away again.
fn cgroup_parent(cx: &Ctx, id: &PodId, config: &cri::PodSandboxConfig) -> Result<(String, bool)> {
    let asked = config.linux.as_ref().map_or("", |linux| linux.cgroup_parent.as_str());
    if asked.is_empty() {
        Ok((cx.own_cgroup(id.as_str())?, true))
    } else {
        Ok((cx.cgroups.driver().parent(asked)?, false))
    }
}

fn host_ports(config: &cri::PodSandboxConfig) -> Result<Vec<record::HostPort>> {
    let mut ports = Vec::new();
    // A host port of 0 says explicitly that there is none.
    for mapping in config.port_mappings.iter().filter(|mapping| mapping.host_port != 0) {
        let port = |number: i32, which: &str| {
            u16::try_from(number).ok().filter(|port| *port != 0).map(u32::from).ok_or_else(|| {
                Error::invalid(format!("port mapping: {which} port {number} is not between 1 and 65535"))
            })
        };
        let protocol = match mapping.protocol() {
            cri::Protocol::Tcp => 6,
            cri::Protocol::Udp => 17,
            cri::Protocol::Sctp => 132,
        };
        if !mapping.host_ip.is_empty() && mapping.host_ip.parse::<std::net::IpAddr>().is_err() {
            return Err(Error::invalid(format!(
                "port mapping: host IP {:?} is not an IP address",
                mapping.host_ip
            )));
        }
        ports.push(record::HostPort {
            host_ip: mapping.host_ip.clone(),
            host_port: port(mapping.host_port, "host")?,
            container_port: port(mapping.container_port, "container")?,
            protocol,
        });
    }
    Ok(ports)
}

/// Writes the intent: from here on a crash leaves a name that recovery finds.
pub(super) async fn record(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    cx.steps.reach(Step::RunReserve)?;
    let (cx, pod) = (cx.clone(), pod.clone());
    blocking::run("reserve pod sandbox", move || {
        let state = cx.layout.pod(pod.id());
        private_dir(&state)?;
        pod.update(&cx, |_| {})?;
        private_dir(&cx.layout.pod_exits(pod.id()))?;
        private_dir(&cx.layout.pod_run(pod.id()))
    })
    .await
}
