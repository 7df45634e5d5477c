//! `berth exec`: runs a command in a container.

use proto::cri::ExecRequest;

use super::Node;
use crate::{
    failure::{Doing, OrTry, Result},
    find,
    session::{self, End, Streams},
};

/// Run a command in a running container
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth exec web ls /                  its exit code is ours
  berth exec -it web sh                a shell
  tar c . | berth exec -i web tar x    standard input, too")]
pub(crate) struct Args {
    /// Pass standard input on
    #[arg(short, long)]
    interactive: bool,
    /// Give the command a terminal
    #[arg(short, long)]
    tty: bool,
    /// The container
    container: String,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Args {
    #[cfg(test)]
    pub(super) fn words(&self) -> &[String] {
        &self.command
    }
}

pub(crate) async fn run(node: &Node, args: Args) -> Result<i32> {
    let mut client = node.connect().await?;
    let container = find::container(&mut client, &args.container).await?;
    let what = format!("run {:?} in {}", args.command.join(" "), args.container);
    let request = ExecRequest {
        container_id: container.id,
        cmd: args.command,
        tty: args.tty,
        stdin: args.interactive,
        stdout: true,
        // A terminal has one output only.
        stderr: !args.tty,
    };
    let answer = client.runtime.exec(request).await;
    let url = answer.doing(&what).or_try("`berth ps -a`: the container must be running")?.into_inner().url;
    let streams = Streams { stdin: args.interactive, tty: args.tty, output: true, detachable: false };
    match session::run(&client.way, &url, streams).await.doing(what)? {
        End::Exited(code) => Ok(code),
        End::Detached => Ok(0),
    }
}
