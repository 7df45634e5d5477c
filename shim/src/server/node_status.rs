//! Version, Status, RuntimeConfig and UpdateRuntimeConfig: the node's side of CRI.
use std::{collections::HashMap, sync::Arc};

use proto::cri;

use crate::{blocking, ctx::Ctx, error::Result, network::readiness};

/// The version of the kubelet runtime API that kubelet insists on, and has for ever.
const KUBELET_API: &str = "0.1.0";

pub(super) fn version() -> cri::VersionResponse {
    cri::VersionResponse {
        version: KUBELET_API.into(),
        // Becomes the scheme of container ids in Kubernetes: berth://<id>.
        runtime_name: "berth".into(),
        runtime_version: env!("CARGO_PKG_VERSION").into(),
        runtime_api_version: "v1".into(),
    }
}

pub(super) async fn status(cx: &Arc<Ctx>, verbose: bool) -> cri::StatusResponse {
    let network = readiness::problem(cx).await;
    let condition = |kind: &str, problem: Option<String>| cri::RuntimeCondition {
        r#type: kind.into(),
        status: problem.is_none(),
        reason: if problem.is_some() { format!("{kind}Not") } else { String::new() },
        message: problem.unwrap_or_default(),
    };
    let handler = |name: &str| cri::RuntimeHandler {
        name: name.into(),
        features: Some(cri::RuntimeHandlerFeatures {
            recursive_read_only_mounts: true,
            user_namespaces: false,
        }),
    };
    cri::StatusResponse {
        status: Some(cri::RuntimeStatus {
            conditions: vec![condition("RuntimeReady", None), condition("NetworkReady", network)],
        }),
        info: if verbose { info(cx) } else { HashMap::new() },
        runtime_handlers: cx.config.handlers().iter().map(|name| handler(name)).collect(),
        features: Some(cri::RuntimeFeatures {
            supplemental_groups_policy: true,
            mount_options: true,
            ..cri::RuntimeFeatures::default()
        }),
    }
}

fn info(cx: &Ctx) -> HashMap<String, String> {
    let config = serde_json::to_string(&cx.config).unwrap_or_default();
    let node = serde_json::json!({
        "cgroup": format!("{:?}", cx.cgroups.layout()),
        "network": cx.network.describe(),
        "streaming": cx.streaming.address().to_string(),
        "bootId": cx.boot_id,
        "eventsDropped": cx.events.dropped(),
    });
    HashMap::from([("config".to_owned(), config), ("node".to_owned(), node.to_string())])
}

pub(super) fn runtime_config(cx: &Ctx) -> cri::RuntimeConfigResponse {
    // The enum's zero value is systemd, so an empty message would lie.
    let driver = match cx.cgroups.driver() {
        cgroup::Driver::Cgroupfs => cri::CgroupDriver::Cgroupfs,
        cgroup::Driver::Systemd => cri::CgroupDriver::Systemd,
    };
    cri::RuntimeConfigResponse {
        linux: Some(cri::LinuxRuntimeConfiguration { cgroup_driver: driver.into() }),
    }
}

/// kubelet tells the node's pod CIDR.
pub(super) async fn update(cx: &Arc<Ctx>, request: cri::UpdateRuntimeConfigRequest) -> Result<()> {
    let cidr =
        request.runtime_config.and_then(|config| config.network_config).map(|network| network.pod_cidr);
    match cidr {
        Some(cidr) if !cidr.is_empty() => {
            let cx = cx.clone();
            blocking::run("change the pod subnet", move || cx.network.set_pod_cidr(&cidr)).await
        }
        _ => Ok(()),
    }
}
