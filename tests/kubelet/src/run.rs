//! A run from beginning to end: cluster, scenarios, complaints, tidying up.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use harness::{Doing, Result, say};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    args::Args,
    cluster::Cluster,
    complaints,
    scenarios::{self, Scenario},
};

/// How many scenarios came to which end.
#[derive(Debug, Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs the scenarios; true when everything was as expected.
pub(crate) async fn run(args: &Args) -> Result<bool> {
    let programs = match args.programs()? {
        Ok(programs) => programs,
        Err(missing) => {
            say(&format!("kubelet: skipped, not given: {missing}"))?;
            return Ok(true);
        }
    };
    let begun = Instant::now();
    let out = out(args)?;
    let mut cluster = Cluster::start(args, &programs).await?;
    say(&format!("node {} is ready: {:.0?}", cluster.node.name, begun.elapsed()))?;
    let mut count = Count::default();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let interrupted = tokio::select! {
        done = rounds(args, &mut cluster, &mut count) => { done?; false }
        _ = interrupt.recv() => true,
        _ = terminate.recv() => true,
    };
    let log = cluster.node.kubelet_log();
    let left = cluster.finish(&out).await?;
    left.iter().try_for_each(|line| say(&format!("left behind: {line}")))?;
    complain(&log, &out)?;
    say(&format!("{:.0?}, logs in {}", begun.elapsed(), out.display()))?;
    say(&format!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped))?;
    Ok(count.failed == 0 && left.is_empty() && !interrupted)
}

async fn rounds(args: &Args, cluster: &mut Cluster, count: &mut Count) -> Result {
    let chosen = if args.scenarios.is_empty() { Scenario::usual() } else { args.scenarios.clone() };
    for round in 1..=args.times {
        for scenario in &chosen {
            if scenario.needs_kubectl() && cluster.kubectl.is_none() {
                count.skipped += 1;
                say(&format!("{scenario}: skipped, no --kubectl"))?;
                continue;
            }
            let begun = Instant::now();
            let namespace = format!("{scenario}-{round}");
            match one(*scenario, cluster, &namespace).await {
                Ok(()) => {
                    count.passed += 1;
                    say(&format!("{scenario}: passed, {:.1?}", begun.elapsed()))?;
                }
                Err(failure) => {
                    count.failed += 1;
                    say(&format!("{scenario}: FAILED, {:.1?}: {failure:?}", begun.elapsed()))?;
                }
            }
        }
    }
    Ok(())
}

/// One scenario in a namespace of its own, which is deleted whatever came of it.
async fn one(scenario: Scenario, cluster: &mut Cluster, namespace: &str) -> Result {
    let played = match cluster.scene(namespace).await {
        Ok(mut scene) => scenarios::play(scenario, &mut scene).await,
        Err(failure) => Err(failure),
    };
    let deleted = cluster.delete(namespace).await;
    played.and(deleted)
}

/// Says what kubelet was not content with; a person judges it.
fn complain(log: &str, out: &Path) -> Result {
    let all = complaints::all(log);
    let mut text = String::new();
    for complaint in &all {
        writeln!(text, "{complaint}")?;
    }
    let file = out.join("complaints.txt");
    fs::write(&file, text).doing(|| format!("write {}", file.display()))?;
    say(&format!("kubelet complained in {} places, see {}", all.len(), file.display()))?;
    Ok(())
}

/// The directory of this run's logs.
fn out(args: &Args) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let target = || own.ancestors().nth(3).map(|target| target.join("kubelet"));
    let dir =
        args.out.clone().or_else(target).doing(|| format!("find the directory above {}", own.display()))?;
    fs::create_dir_all(&dir).doing(|| format!("make {}", dir.display()))?;
    Ok(dir)
}
