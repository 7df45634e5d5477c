//! `berth info`: the node's health and what it can do.

use proto::cri::{
    CgroupDriver, FilesystemUsage, ImageFsInfoRequest, RuntimeConfigRequest, StatusRequest, StatusResponse,
    VersionRequest,
};
use serde_json::{Value, json};

use super::{Node, inspect::info_of};
use crate::{
    client::Client,
    failure::{Doing, Result},
    find,
    output::{self, Format},
    table::Columns,
    text,
};

/// Show the health of the node and what it can do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth info
  berth status            the same
  berth info --json       with the daemon's configuration")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let request = StatusRequest { verbose: args.format.json };
    let status = client.runtime.status(request).await.doing("ask for the status")?.into_inner();
    let version =
        client.runtime.version(VersionRequest::default()).await.doing("ask for the version")?.into_inner();
    let driver = cgroup_driver(&mut client).await;
    let usage =
        client.images.image_fs_info(ImageFsInfoRequest {}).await.doing("ask for disk usage")?.into_inner();
    let (pods, containers) =
        (find::pods(&mut client).await?.len(), find::containers(&mut client).await?.len());
    let runtime = format!("{} {}", version.runtime_name, version.runtime_version);
    if args.format.json {
        return output::json(&json!({
            "runtime": runtime,
            "cri": version.runtime_api_version,
            "socket": node.socket,
            "conditions": conditions(&status),
            "handlers": handlers(&status),
            "features": features(&status),
            "cgroup_driver": driver,
            "pods": pods,
            "containers": containers,
            "image_filesystems": filesystems(&usage.image_filesystems),
            "container_filesystems": filesystems(&usage.container_filesystems),
            "info": info_of(&status.info),
        }));
    }
    let mut pairs = vec![
        ("runtime".to_owned(), runtime),
        ("CRI".to_owned(), version.runtime_api_version),
        ("socket".to_owned(), node.socket.display().to_string()),
    ];
    for condition in status.status.iter().flat_map(|status| &status.conditions) {
        let why = [condition.reason.as_str(), condition.message.as_str()].join(" ").trim().to_owned();
        let state = if condition.status { "yes".to_owned() } else { format!("NO: {why}") };
        pairs.push((condition.r#type.clone(), state));
    }
    pairs.push(("cgroup driver".to_owned(), driver.to_owned()));
    pairs.push(("pods".to_owned(), pods.to_string()));
    pairs.push(("containers".to_owned(), containers.to_string()));
    for usage in &usage.image_filesystems {
        pairs.push(("images".to_owned(), usage_text(usage)));
    }
    for usage in &usage.container_filesystems {
        pairs.push(("writable layers".to_owned(), usage_text(usage)));
    }
    output::line(Columns::pairs(pairs))
}

/// Older runtimes do not tell.
async fn cgroup_driver(client: &mut Client) -> &'static str {
    let answer = client.runtime.runtime_config(RuntimeConfigRequest {}).await.ok();
    match answer.and_then(|answer| answer.into_inner().linux).map(|linux| linux.cgroup_driver()) {
        Some(CgroupDriver::Systemd) => "systemd",
        Some(CgroupDriver::Cgroupfs) => "cgroupfs",
        None => "unknown",
    }
}

fn conditions(status: &StatusResponse) -> Value {
    let conditions = status.status.iter().flat_map(|status| &status.conditions);
    conditions
        .map(|c| json!({"type": c.r#type, "status": c.status, "reason": c.reason, "message": c.message}))
        .collect()
}

fn handlers(status: &StatusResponse) -> Value {
    let handlers = status.runtime_handlers.iter();
    let handlers = handlers.map(|handler| {
        let features = handler.features.unwrap_or_default();
        json!({
            "name": handler.name,
            "recursive_read_only_mounts": features.recursive_read_only_mounts,
            "user_namespaces": features.user_namespaces,
        })
    });
    handlers.collect()
}

fn features(status: &StatusResponse) -> Value {
    let features = status.features.unwrap_or_default();
    json!({
        "supplemental_groups_policy": features.supplemental_groups_policy,
        "user_namespaces_host_network": features.user_namespaces_host_network,
        "mount_options": features.mount_options,
    })
}

fn filesystems(all: &[FilesystemUsage]) -> Value {
    let of = |usage: &FilesystemUsage| {
        json!({
            "mountpoint": usage.fs_id.as_ref().map(|id| id.mountpoint.as_str()),
            "used_bytes": usage.used_bytes.map(|n| n.value),
            "inodes_used": usage.inodes_used.map(|n| n.value),
        })
    };
    all.iter().map(of).collect()
}

fn usage_text(usage: &FilesystemUsage) -> String {
    let bytes = text::bytes(usage.used_bytes.map_or(0, |n| n.value));
    let inodes = usage.inodes_used.map_or(0, |n| n.value);
    let place = usage.fs_id.as_ref().map_or("", |id| id.mountpoint.as_str());
    format!("{bytes}, {inodes} inodes in {place}")
}
