//! `berth rm`: removes containers and pods, and all that `berth run` made with them.

use proto::cri::{
    Container, ContainerState, PodSandbox, PodSandboxState, RemoveContainerRequest, RemovePodSandboxRequest,
};

use super::{
    Node,
    run::{is_ours, remove_logs},
    stop::{stop_container, stop_pod},
};
use crate::{
    client::Client,
    failure::{Doing, Failure, Result},
    find::{self, Thing},
    output,
};

/// Remove containers, or whole pods
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth rm web                      a container that has ended
  berth rm -f web                   stop it first
  berth rm -f $(berth pods -q)      every pod

The pod that `berth run` made for a container goes with it; so does its log.")]
pub(crate) struct Args {
    /// Containers or pods
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Stop what still runs
    #[arg(short, long)]
    force: bool,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    for name in &args.names {
        match find::thing(&mut client, name).await? {
            Thing::Container(container) => {
                remove_container(&mut client, &container, name, args.force).await?
            }
            Thing::Pod(pod) => remove_pod(&mut client, &pod, name, args.force).await?,
        }
        output::line(name)?;
    }
    Ok(())
}

/// With its pod, if `berth run` made that for it alone.
async fn remove_container(client: &mut Client, container: &Container, name: &str, force: bool) -> Result {
    if container.state() == ContainerState::ContainerRunning {
        if !force {
            return Err(still_running("container", name));
        }
        stop_container(client, &container.id, name, 0).await?;
    }
    let request = RemoveContainerRequest { container_id: container.id.clone() };
    client.runtime.remove_container(request).await.doing(format_args!("remove container {name}"))?;
    if is_ours(&container.labels) {
        let pods = find::pods(client).await?;
        if let Some(pod) = pods.iter().find(|pod| pod.id == container.pod_sandbox_id) {
            remove_pod(client, pod, name, true).await?;
        }
    }
    Ok(())
}

async fn remove_pod(client: &mut Client, pod: &PodSandbox, name: &str, force: bool) -> Result {
    if pod.state() == PodSandboxState::SandboxReady && !force {
        return Err(still_running("pod", name));
    }
    stop_pod(client, &pod.id, name).await?;
    let request = RemovePodSandboxRequest { pod_sandbox_id: pod.id.clone() };
    client.runtime.remove_pod_sandbox(request).await.doing(format_args!("remove pod {name}"))?;
    if is_ours(&pod.labels) {
        remove_logs(&pod.annotations)?;
    }
    Ok(())
}

fn still_running(kind: &str, name: &str) -> Failure {
    Failure::new(format!("{kind} {name} still runs"))
        .or_try(format!("`berth stop {name}` first, or `berth rm -f {name}`"))
}
