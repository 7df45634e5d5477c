//! `berth version`: ours, and the daemon's.

use proto::cri::VersionRequest;
use serde::Serialize;

use super::Node;
use crate::{
    failure::{Doing, Result},
    output::{self, Format},
    table::Columns,
};

/// Show the versions of berth and of the daemon
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth version
  berth version --json
  berth --version         without asking the daemon")]
pub(crate) struct Args {
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Versions {
    berth: &'static str,
    runtime: String,
    runtime_version: String,
    cri: String,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    let answer = client.runtime.version(VersionRequest::default()).await.doing("ask for the version")?;
    let daemon = answer.into_inner();
    let versions = Versions {
        berth: env!("CARGO_PKG_VERSION"),
        runtime: daemon.runtime_name,
        runtime_version: daemon.runtime_version,
        cri: daemon.runtime_api_version,
    };
    if args.format.json {
        return output::json(&versions);
    }
    output::line(Columns::pairs([
        ("berth", versions.berth.to_owned()),
        ("daemon", format!("{} {}", versions.runtime, versions.runtime_version)),
        ("CRI", versions.cri),
    ]))
}
