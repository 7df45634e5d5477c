//! `berth attach`: connects to a container's main process.

use proto::cri::AttachRequest;

use super::{Node, run::Interaction};
use crate::{
    client::Client,
    failure::{Doing, OrTry, Result},
    find, output,
    session::{self, End, Streams},
};

/// Connect to the main process of a running container
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth attach web        as `berth run` would have
  berth attach -it box    to a terminal that something else made

Ctrl-P Ctrl-Q leaves a terminal; without one, Ctrl-C does.
The program goes on either way.")]
pub(crate) struct Args {
    /// Pass standard input on
    #[arg(short, long)]
    interactive: bool,
    /// The container has a terminal
    #[arg(short, long)]
    tty: bool,
    /// The container
    container: String,
}

pub(crate) async fn run(node: &Node, args: Args) -> Result<i32> {
    let mut client = node.connect().await?;
    let container = find::container(&mut client, &args.container).await?;
    // What `berth run` made says itself what it is.
    let made = Interaction::of(&container.annotations);
    let (stdin, tty) = (args.interactive || made.stdin, args.tty || made.tty);
    let end = attach(&mut client, &container.id, &args.container, stdin, tty, true).await?;
    if end == End::Detached {
        output::remark(format!("detached; `berth attach {}` comes back", args.container));
    }
    Ok(0)
}

/// `name` is what the person typed; without `output` only input goes through the session.
pub(super) async fn attach(
    client: &mut Client,
    id: &str,
    name: &str,
    stdin: bool,
    tty: bool,
    output: bool,
) -> Result<End> {
    let request =
        AttachRequest { container_id: id.to_owned(), stdin, tty, stdout: output, stderr: output && !tty };
    let what = format!("attach to {name}");
    let answer = client.runtime.attach(request).await;
    let url = answer.doing(&what).or_try("`berth ps -a`: the container must be running")?.into_inner().url;
    session::run(&client.way, &url, Streams { stdin, tty, output, detachable: true }).await.doing(what)
}
