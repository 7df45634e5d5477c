//! A pod, in full.

use proto::cri::{NamespaceMode, NamespaceOption, PodSandboxStatusRequest};
use serde_json::{Value, json};

use super::{info_of, sorted};
use crate::{
    client::Client,
    commands::pods,
    failure::{Doing, Result},
    find, text,
};

pub(super) async fn inspect(client: &mut Client, id: &str) -> Result<Value> {
    let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
    let answer = client.runtime.pod_sandbox_status(request).await;
    let answer = answer.doing(format_args!("look at pod {}", text::short_id(id)))?.into_inner();
    let containers = find::containers(client).await?;
    let containers = containers.iter().filter(|container| container.pod_sandbox_id == id);
    let containers: Vec<_> = containers
        .map(|container| format!("{} {}", text::short_id(&container.id), find::container_name(container)))
        .collect();
    let status = answer.status.unwrap_or_default();
    let metadata = status.metadata.clone().unwrap_or_default();
    let network = status.network.clone().unwrap_or_default();
    let addresses = [network.ip].into_iter().chain(network.additional_ips.into_iter().map(|ip| ip.ip));
    let addresses: Vec<_> = addresses.filter(|ip| !ip.is_empty()).collect();
    let linux = status.linux.clone().and_then(|linux| linux.namespaces);
    let namespaces = linux.and_then(|namespaces| namespaces.options);
    Ok(json!({
        "kind": "pod",
        "id": status.id,
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
        "attempt": metadata.attempt,
        "state": pods::state(status.state()),
        "created": text::time(status.created_at),
        "addresses": addresses,
        "namespaces": namespaces.as_ref().map(modes),
        "runtime_handler": status.runtime_handler,
        "containers": containers,
        "labels": sorted(&status.labels),
        "annotations": sorted(&status.annotations),
        "info": info_of(&answer.info),
    }))
}

fn modes(options: &NamespaceOption) -> Value {
    json!({"network": mode(options.network()), "pid": mode(options.pid()), "ipc": mode(options.ipc())})
}

fn mode(mode: NamespaceMode) -> &'static str {
    match mode {
        NamespaceMode::Pod => "pod",
        NamespaceMode::Container => "container",
        NamespaceMode::Node => "node",
        NamespaceMode::Target => "target",
    }
}
