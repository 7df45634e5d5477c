//! `berth logs`: what a container prints.

use std::path::Path;

use proto::cri::{ContainerState, ContainerStatus, ContainerStatusRequest};

use super::Node;
use crate::{
    client::Client,
    failure::{Doing, Failure, OrTry, Result},
    find,
    log::{Log, Options},
};

/// Show what a container prints
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth logs web                what was printed, each line to its stream
  berth logs -f --tail 10 web   ten lines, and what follows until its end
  berth logs -t web             with times")]
pub(crate) struct Args {
    /// Go on until the container ends
    #[arg(short, long)]
    follow: bool,
    /// Begin so many lines before the end
    #[arg(long, value_name = "LINES")]
    tail: Option<usize>,
    /// Show when each line was printed
    #[arg(short, long)]
    timestamps: bool,
    /// The container
    container: String,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let container = find::container(&mut client, &args.container).await?;
    let options = Options { tail: args.tail, timestamps: args.timestamps };
    if args.follow {
        return follow(&mut client, &container.id, &args.container, options).await;
    }
    open(&mut client, &container.id, &args.container, options).await?.print_new().map(drop)
}

/// The container's log; `name` is what the person typed.
pub(super) async fn open(client: &mut Client, id: &str, name: &str, options: Options) -> Result<Log> {
    let status = status(client, id, name).await?;
    if status.log_path.is_empty() {
        return Err(
            Failure::new(format!("container {name} has no log")).or_try(format!("`berth attach {name}`"))
        );
    }
    Log::open(Path::new(&status.log_path), options)
        .or_try("as root, on the node itself: logs are files there")
}

/// Prints the whole log as it grows, until the container has ended.
pub(super) async fn follow(client: &mut Client, id: &str, name: &str, options: Options) -> Result {
    let mut log = open(client, id, name, options).await?;
    log.follow(async || Ok(status(client, id, name).await?.state() != ContainerState::ContainerRunning)).await
}

/// The present status of a container.
pub(super) async fn status(client: &mut Client, id: &str, name: &str) -> Result<ContainerStatus> {
    let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: false };
    let answer =
        client.runtime.container_status(request).await.doing(format_args!("look at container {name}"))?;
    answer.into_inner().status.ok_or_else(|| Failure::new(format!("container {name} has no status")))
}
