//! The files every container of the pod sees: hosts, resolv.conf, hostname.
use std::{net::IpAddr, path::Path, sync::Arc};

use proto::record;

use super::Pod;
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Kind, Result},
    records,
    steps::Step,
};

/// A host file larger than this is not a resolv.conf or hosts file.
const LIMIT: u64 = 1 << 20;

pub(super) async fn write(cx: &Arc<Ctx>, pod: &Arc<Pod>) -> Result<()> {
    cx.steps.reach(Step::RunFiles)?;
    let (cx, pod) = (cx.clone(), pod.clone());
    blocking::run("write pod files", move || {
        let record = pod.record();
        let texts = texts(&record)?;
        records::write_atomic(&cx.layout.pod_hosts(pod.id()), &texts.hosts, 0o644)?;
        records::write_atomic(&cx.layout.pod_resolv_conf(pod.id()), &texts.resolv_conf, 0o644)?;
        records::write_atomic(&cx.layout.pod_hostname(pod.id()), texts.hostname.as_bytes(), 0o644)
    })
    .await
}

struct Texts {
    hosts: Vec<u8>,
    resolv_conf: Vec<u8>,
    hostname: String,
}

fn texts(record: &record::Pod) -> Result<Texts> {
    let config = record.config.clone().unwrap_or_default();
    let hostname = hostname(&config);
    let addresses: Vec<IpAddr> = record.ips.iter().filter_map(|ip| ip.parse().ok()).collect();
    Ok(Texts {
        hosts: if record.host_network {
            host_file("/etc/hosts")?
        } else {
            spec::hosts(&hostname, &addresses)?.into_bytes()
        },
        resolv_conf: spec::resolv_conf(config.dns_config.as_ref(), &host_file("/etc/resolv.conf")?)?,
        hostname: spec::hostname(&hostname)?,
    })
}

/// The pod's host name; empty in CRI means the host's own (host network), as it is now: a node may be renamed.
pub(crate) fn hostname(config: &proto::cri::PodSandboxConfig) -> String {
    if config.hostname.is_empty() { sys::proc_table::hostname() } else { config.hostname.clone() }
}

/// A file of the node that pods get a copy of; empty where there is none.
fn host_file(path: &str) -> Result<Vec<u8>> {
    match sys::host_path::read_regular(Path::new(path), LIMIT) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        outcome => outcome.map_err(|error| Error::caused(Kind::Internal, format!("read {path}"), error)),
    }
}
