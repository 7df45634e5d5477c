//! The command line: a file for each subcommand.

mod attach;
mod completion;
mod exec;
mod images;
mod info;
mod inspect;
mod logs;
mod man;
mod pods;
mod port_forward;
mod ps;
mod pull;
mod rm;
mod rmi;
mod run;
mod stats;
mod stop;
mod version;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    client::{self, Client},
    failure::Result,
    quickstart,
};

const EXAMPLES: &str = "\
Examples:
  sudo berth quickstart                     a pod that survives its daemon
  berth run -it --rm alpine sh              a shell in a container
  berth run -d --name web -p 8080:80 nginx  a server
  berth exec -it web sh                     a shell beside it
  berth logs -f web                         what it prints
  berth rm -f web                           away with it

A container or pod is named by its name, its id, or the beginning of its id.";

/// Pods, containers and images of this node
#[derive(Debug, Parser)]
#[command(name = "berth", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// berthd's socket
    #[arg(
        long,
        global = true,
        env = "BERTH_SOCKET",
        value_name = "PATH",
        default_value = "/run/berth/berth.sock"
    )]
    socket: PathBuf,
    /// Certificates to trust when the daemon's streaming server speaks TLS (PEM)
    #[arg(long, global = true, env = "BERTH_TLS_CA", value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Exec(exec::Args),
    Attach(attach::Args),
    Logs(logs::Args),
    Ps(ps::Args),
    Pods(pods::Args),
    Inspect(inspect::Args),
    Stats(stats::Args),
    Stop(stop::Args),
    Rm(rm::Args),
    PortForward(port_forward::Args),
    Images(images::Args),
    Pull(pull::Args),
    Rmi(rmi::Args),
    #[command(alias = "status")]
    Info(info::Args),
    Version(version::Args),
    Quickstart(quickstart::Args),
    Completion(completion::Args),
    Man(man::Args),
}

/// What shells and other runtimes take for "we failed, not the program".
const NOT_THE_PROGRAM: u8 = 125;

impl Cli {
    /// The exit code if the command fails: that of a program must not be mistaken for ours.
    pub(crate) fn failure_code(&self) -> u8 {
        match self.command {
            Command::Run(_) | Command::Exec(_) => NOT_THE_PROGRAM,
            Command::Attach(_)
            | Command::Logs(_)
            | Command::Ps(_)
            | Command::Pods(_)
            | Command::Inspect(_)
            | Command::Stats(_)
            | Command::Stop(_)
            | Command::Rm(_)
            | Command::PortForward(_)
            | Command::Images(_)
            | Command::Pull(_)
            | Command::Rmi(_)
            | Command::Info(_)
            | Command::Version(_)
            | Command::Quickstart(_)
            | Command::Completion(_)
            | Command::Man(_) => 1,
        }
    }
}

/// Where the daemon is; connected to only by commands that need it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) socket: PathBuf,
    tls_ca: Option<PathBuf>,
}

impl Node {
    pub(crate) async fn connect(&self) -> Result<Client> {
        let client = client::connect(&self.socket).await?;
        match &self.tls_ca {
            Some(file) => client.trusting(file),
            None => Ok(client),
        }
    }
}

/// Runs a command; gives the exit code of the process.
pub(crate) async fn run(cli: Cli) -> Result<i32> {
    let node = Node { socket: cli.socket, tls_ca: cli.tls_ca };
    match cli.command {
        Command::Run(args) => return Box::pin(run::run(&node, args)).await,
        Command::Exec(args) => return exec::run(&node, args).await,
        Command::Attach(args) => return attach::run(&node, args).await,
        Command::Quickstart(args) => return quickstart::run(args).await,
        Command::Logs(args) => logs::run(&node, &args).await?,
        Command::Ps(args) => ps::run(&node, &args).await?,
        Command::Pods(args) => pods::run(&node, &args).await?,
        Command::Inspect(args) => inspect::run(&node, &args).await?,
        Command::Stats(args) => stats::run(&node, &args).await?,
        Command::Stop(args) => stop::run(&node, &args).await?,
        Command::Rm(args) => rm::run(&node, &args).await?,
        Command::PortForward(args) => port_forward::run(&node, &args).await?,
        Command::Images(args) => images::run(&node, &args).await?,
        Command::Pull(args) => pull::run(&node, &args).await?,
        Command::Rmi(args) => rmi::run(&node, &args).await?,
        Command::Info(args) => info::run(&node, &args).await?,
        Command::Version(args) => version::run(&node, &args).await?,
        Command::Completion(args) => completion::run(&args)?,
        Command::Man(args) => man::run(&args)?,
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
