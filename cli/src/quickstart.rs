//! `berth quickstart`: a pod that survives its daemon, shown on this machine, with nothing needed and nothing left.

mod daemon;
mod fetch;
mod image;
mod leftovers;
mod nft;
mod place;
mod registry;
mod report;
mod subnet;
mod tour;

use std::path::PathBuf;

use place::Place;
use report::Report;
use tokio::signal::unix::{SignalKind, signal};
use tour::Tour;

use crate::{
    failure::{Failure, Result},
    output::Format,
};

/// Show a pod survive its daemon, on this machine, and clean up
///
/// Starts a berthd of its own (private directories, bridge, subnet, nftables table and cgroup; no configuration, no
/// registry, no CNI files), runs a pod from an image that berth carries, kills the daemon with SIGKILL, shows that the
/// pod still answers and that a new daemon takes it over, removes everything, and proves that nothing is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo berth quickstart
  sudo berth quickstart --json
  sudo berth quickstart --hold      look around in another terminal
  sudo berth quickstart --berthd target/debug/berthd --dir /var/tmp")]
pub(crate) struct Args {
    /// Daemon to start [default: berthd beside berth]
    #[arg(long, value_name = "PATH")]
    berthd: Option<PathBuf>,
    /// Where the private directory is made; not on an overlay
    #[arg(long, value_name = "DIR", default_value = "/tmp")]
    dir: PathBuf,
    /// Stop before the pod is taken apart, to look around; Enter goes on
    #[arg(long, conflicts_with = "json")]
    hold: bool,
    #[command(flatten)]
    format: Format,
}

pub(crate) async fn run(args: Args) -> Result<i32> {
    if sys::cred::effective_uid() != 0 {
        return Err(Failure::new(
            "quickstart makes namespaces, mounts, a bridge and cgroups: that takes root",
        )
        .or_try("sudo berth quickstart"));
    }
    let place = Place::make(&args.dir, args.berthd.as_deref())?;
    let mut report = Report::new(args.format.json);
    report.say(&format!("berth quickstart: everything is private and below {}", place.dir.display()));
    let mut tour = Tour::new(&place, args.hold);
    let toured = tokio::select! {
        toured = tour.take(&mut report) => toured,
        interrupted = interrupted() => interrupted,
    };
    // Whatever happened: away with all of it.
    let cleaned = tour.clean_up().await;
    // What is left matters more than why the tour ended.
    let result = cleaned.and(toured);
    report.finish(result.as_ref().err())?;
    result.map(|()| 0)
}

async fn interrupted() -> Result {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Err(Failure::new("interrupted; everything was taken away").or_try("`sudo berth quickstart` again"))
}
