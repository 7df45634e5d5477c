//! `berth logs`: what a container prints.

use std::path::Path;

use proto::cri::{ContainerState, ContainerStatus, ContainerStatusRequest};

use super::Node;
use crate::{
    client::Client,
    failure::{Doing, Failure, OrTry, Result},
    find,
    log::{self, Options},
};

/// Show what a container prints
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth logs web                what was printed; standard error goes to standard error
  berth logs -f --tail 10 web   the last ten lines, and what follows until the container ends
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
    print(&mut client, &container.id, &args.container, options, args.follow).await
}

/// `name` is what the person typed.
pub(super) async fn print(
    client: &mut Client,
    id: &str,
    name: &str,
    options: Options,
    follow: bool,
) -> Result {
    let status = status(client, id, name).await?;
    if status.log_path.is_empty() {
        return Err(
            Failure::new(format!("container {name} has no log")).or_try(format!("`berth attach {name}`"))
        );
    }
    let printed = log::print(Path::new(&status.log_path), options, async || {
        Ok(!follow || self::status(client, id, name).await?.state() != ContainerState::ContainerRunning)
    });
    printed.await.or_try("as root, on the node itself: logs are files there")
}

/// The present status of a container.
pub(super) async fn status(client: &mut Client, id: &str, name: &str) -> Result<ContainerStatus> {
    let request = ContainerStatusRequest { container_id: id.to_owned(), verbose: false };
    let answer =
        client.runtime.container_status(request).await.doing(format_args!("look at container {name}"))?;
    answer.into_inner().status.ok_or_else(|| Failure::new(format!("container {name} has no status")))
}
