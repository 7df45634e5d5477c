//! A run: connect, prepare, measure, and clean up whatever happened.
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Args;
use crate::cgroupfs;
use crate::cleanup;
use crate::endpoint::Endpoint;
use crate::figures::Figures;
use crate::ground;
use crate::phase::{density, parallel, pulls, sequential};
use crate::report::Finding;
use crate::request::{LABEL, Work};
use crate::site::{self, Site};

#[cfg(test)]
mod tests;

/// A crowd of pods leaves more behind than one.
const RESTS: u32 = 10;

/// Measures all endpoints. Their pods are gone when this returns, also after an error, a panic, or once `interrupted`
/// ends, which names the signal.
pub(crate) async fn run(
    args: &Args,
    interrupted: impl Future<Output = &'static str>,
) -> Result<Vec<Finding>> {
    let mut endpoints = Vec::new();
    for given in &args.endpoints {
        endpoints.push(Endpoint::connect(given, args).await?);
    }
    let sites = prepare(args, endpoints).await?;
    let measured = tokio::select! {
        measured = AssertUnwindSafe(measure(args, &sites)).catch_unwind() => {
            measured.unwrap_or_else(|_| Err(anyhow!("a bug: the measurement panicked")))
        }
        signal = interrupted => Err(anyhow!("ended by {signal}")),
    };
    let cleaned = clean_up(&sites).await;
    match (measured, cleaned) {
        (Ok(figures), Ok(())) => {
            Ok(sites.iter().zip(figures).map(|(site, figures)| Finding::new(site, figures)).collect())
        }
        (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
        (Err(error), Err(also)) => Err(error.context(format!("and the clean-up failed: {also:#}"))),
    }
}

/// Removes what killed runs have left, at every endpoint.
pub(crate) async fn clean(args: &Args) -> Result<usize> {
    let labels = HashMap::from([(LABEL.to_owned(), "yes".to_owned())]);
    let mut removed = 0;
    for given in &args.endpoints {
        let endpoint = Endpoint::connect(given, args).await?;
        removed += cleanup::remove_pods(&endpoint, &labels).await?;
    }
    ground::clean(&args.cgroup_parent, &args.log_directory, &cgroupfs::hierarchies()?);
    Ok(removed)
}

/// Waits for nothing after it has made the first directory, so that a signal cannot come in between.
async fn prepare(args: &Args, endpoints: Vec<Endpoint>) -> Result<Vec<Site>> {
    let work = Arc::new(Work::new(args, run_name()?));
    let mut with_image = Vec::new();
    for endpoint in endpoints {
        let id = site::image_id(&endpoint, &args.image).await;
        let id = id.with_context(|| format!("prepare {}", endpoint.name))?;
        with_image.push((endpoint, id));
    }
    let mut sites = Vec::new();
    for (endpoint, image_id) in with_image {
        sites.push(Site::new(endpoint, Arc::clone(&work), image_id, args)?);
    }
    Ok(sites)
}

async fn measure(args: &Args, sites: &[Site]) -> Result<Vec<Figures>> {
    let mut figures: Vec<Figures> = sites.iter().map(|_| Figures::default()).collect();
    let settle = Duration::from_millis(args.settle_ms);
    if args.pulls > 0 {
        let name = args.pull_image.as_ref().unwrap_or(&args.image);
        pulls::run(sites, &mut figures, name, args.pulls, settle).await?;
    }
    if args.iterations > 0 {
        sequential::run(sites, &mut figures, args.iterations, settle).await?;
    }
    if args.parallel > 0 && args.iterations > 0 {
        parallel::run(sites, &mut figures, args.iterations, args.parallel, settle).await?;
    }
    if args.density > 0 {
        let window = Duration::from_secs(args.idle_seconds.max(1));
        let at_once = args.parallel.max(1);
        let density = density::Density { pods: args.density, at_once, window, rest: settle * RESTS };
        density::run(sites, &mut figures, density).await?;
    }
    Ok(figures)
}

/// All sites, also after one has failed.
async fn clean_up(sites: &[Site]) -> Result<()> {
    let mut errors = Vec::new();
    for site in sites.iter().rev() {
        if let Err(error) = cleanup::remove_pods(&site.endpoint, &site.work.labels()).await {
            errors.push(format!("{error:#}"));
        }
        site.ground.drop_all();
    }
    if !errors.is_empty() {
        bail!("{}", errors.join("; "));
    }
    Ok(())
}

/// Handlers are in place once this returns; the future ends with the signal's name.
pub(crate) fn interrupted() -> Result<impl Future<Output = &'static str>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("handle SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("handle SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        }
    })
}

/// Tells this run from others, also in names of directories.
fn run_name() -> Result<String> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(format!("{}-{}", now.as_secs(), std::process::id()))
}
