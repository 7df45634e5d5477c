//! A container, in full.

use proto::cri::{
    ContainerStatusRequest, ContainerUser, LinuxContainerResources, Mount, MountPropagation, Signal,
};
use serde_json::{Value, json};

use super::{info_of, sorted};
use crate::{
    client::Client,
    commands::ps,
    failure::{Doing, Result},
    text,
};

pub(super) async fn inspect(client: &mut Client, id: &str) -> Result<Value> {
    let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: true };
    let answer = client.runtime.container_status(request).await;
    let answer = answer.doing(format_args!("look at container {}", text::short_id(id)))?.into_inner();
    let status = answer.status.unwrap_or_default();
    let metadata = status.metadata.clone().unwrap_or_default();
    let resources = status.resources.clone().and_then(|resources| resources.linux);
    let exited = status.finished_at > 0;
    Ok(json!({
        "kind": "container",
        "id": status.id,
        "name": metadata.name,
        "attempt": metadata.attempt,
        "state": ps::state(status.state()),
        "created": text::time(status.created_at),
        "started": text::time(status.started_at),
        "finished": text::time(status.finished_at),
        "exit_code": exited.then_some(status.exit_code),
        "reason": status.reason,
        "message": status.message,
        "image": ps::image(status.image.as_ref(), &status.image_ref),
        "image_ref": status.image_ref,
        "image_id": status.image_id,
        "log_path": status.log_path,
        "stop_signal": signal(status.stop_signal()),
        "user": status.user.as_ref().map(user),
        "resources": resources.as_ref().map(limits),
        "mounts": status.mounts.iter().map(mount).collect::<Vec<_>>(),
        "labels": sorted(&status.labels),
        "annotations": sorted(&status.annotations),
        "info": info_of(&answer.info),
    }))
}

fn signal(signal: Signal) -> &'static str {
    match signal {
        Signal::RuntimeDefault => "",
        other => other.as_str_name().trim_start_matches("SIGNAL_"),
    }
}

fn user(user: &ContainerUser) -> Value {
    let linux = user.linux.clone().unwrap_or_default();
    json!({"uid": linux.uid, "gid": linux.gid, "groups": linux.supplemental_groups})
}

/// Zero and nothing mean "no limit".
fn limits(limits: &LinuxContainerResources) -> Value {
    let set = |n: i64| (n != 0).then_some(n);
    json!({
        "cpu_period_us": set(limits.cpu_period),
        "cpu_quota_us": set(limits.cpu_quota),
        "cpu_shares": set(limits.cpu_shares),
        "cpuset_cpus": limits.cpuset_cpus,
        "cpuset_mems": limits.cpuset_mems,
        "memory_bytes": set(limits.memory_limit_in_bytes),
        "memory_swap_bytes": set(limits.memory_swap_limit_in_bytes),
        "oom_score_adj": limits.oom_score_adj,
        "unified": sorted(&limits.unified),
    })
}

fn mount(mount: &Mount) -> String {
    let source = mount.image.as_ref().map_or(mount.host_path.as_str(), |image| image.image.as_str());
    let mut options = vec![if mount.readonly { "ro" } else { "rw" }];
    match mount.propagation() {
        MountPropagation::PropagationPrivate => {}
        MountPropagation::PropagationHostToContainer => options.push("slave"),
        MountPropagation::PropagationBidirectional => options.push("shared"),
    }
    format!("{source} → {} ({})", mount.container_path, options.join(", "))
}
