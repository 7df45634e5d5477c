//! `berth stop`: stops containers and pods.

use proto::cri::{ContainerState, StopContainerRequest, StopPodSandboxRequest};

use super::Node;
use crate::{
    client::Client,
    failure::{Doing, Result},
    find::{self, Thing},
    output,
};

/// Stop containers, or whole pods
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth stop web          its stop signal, ten seconds, then SIGKILL
  berth stop -t 0 web     SIGKILL at once
  berth stop 0123456789ab a pod, with all its containers")]
pub(crate) struct Args {
    /// Containers or pods
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Seconds a container may take to end by itself
    #[arg(short, long, value_name = "SECONDS", default_value_t = 10)]
    time: u32,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    for name in &args.names {
        match find::thing(&mut client, name).await? {
            Thing::Container(container) => {
                if container.state() != ContainerState::ContainerExited {
                    stop_container(&mut client, &container.id, name, args.time).await?;
                }
            }
            Thing::Pod(pod) => stop_pod(&mut client, &pod.id, name).await?,
        }
        output::line(name)?;
    }
    Ok(())
}

/// `name` is what the person typed.
pub(super) async fn stop_container(client: &mut Client, id: &str, name: &str, seconds: u32) -> Result {
    let request = StopContainerRequest { container_id: id.to_owned(), timeout: seconds.into() };
    client.runtime.stop_container(request).await.doing(format_args!("stop container {name}"))?;
    Ok(())
}

/// As `stop_container`.
pub(super) async fn stop_pod(client: &mut Client, id: &str, name: &str) -> Result {
    let request = StopPodSandboxRequest { pod_sandbox_id: id.to_owned() };
    client.runtime.stop_pod_sandbox(request).await.doing(format_args!("stop pod {name}"))?;
    Ok(())
}
