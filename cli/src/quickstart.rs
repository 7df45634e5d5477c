//! `berth quickstart`: a pod that survives its daemon, shown on this machine.

use crate::failure::Result;

/// Show a pod survive its daemon, on this machine, and clean up
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sudo berth quickstart")]
pub(crate) struct Args {}

pub(crate) async fn run(_: Args) -> Result<i32> {
    Ok(0)
}
