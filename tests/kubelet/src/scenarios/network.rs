//! Ways to a pod from the node.

use std::net::{Ipv4Addr, SocketAddr};

use harness::{Result, http, until};
use serde_json::json;

use crate::{
    pods::{pod, server, spec, with},
    scene::{PATIENCE, Scene, address},
};

/// A port of the node leads to a pod, and to nobody when the pod is gone.
pub(super) async fn host_port(scene: &mut Scene<'_>) -> Result {
    let port = scene.cluster.node.slot.host_port()?;
    let container = with(
        server("web", 80, "from the node"),
        json!({ "ports": [{ "containerPort": 80, "hostPort": port }] }),
    );
    let pod = scene.run(pod("web", spec(&[container]))).await?;
    let node = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    scene.wait_page(address(&pod, 80)?, "from the node").await?;
    scene.wait_page(node, "from the node").await?;
    scene.cluster.api.delete(&scene.path("Pod", "web")).await?;
    until("nobody answers at the port", PATIENCE, async || http::get(node, "/").is_err()).await
}
