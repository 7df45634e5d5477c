//! Batches of pods that all start at once, as after a drain or a deployment.
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cycle;
use crate::figures::Figures;
use crate::meter::Reading;
use crate::phase::crowd::Crowd;
use crate::phase::{in_turn, push_cpu};
use crate::samples::Samples;
use crate::site::Site;

const SUFFIX: &str = "/parallel";

/// As many batches of `at_once` pods as make up `iterations` pods.
pub(crate) async fn run(
    sites: &[Site],
    figures: &mut [Figures],
    iterations: usize,
    at_once: usize,
    settle: Duration,
) -> Result<()> {
    let batches = iterations.div_ceil(at_once);
    let mut samples: Vec<Samples> = sites.iter().map(|_| Samples::default()).collect();
    let mut used = vec![Reading::ZERO; sites.len()];
    for turn in 0..batches {
        for (at, site) in in_turn(sites, turn) {
            let before = site.read_cpu()?;
            batch(site, turn, at_once, &mut samples[at]).await?;
            tokio::time::sleep(settle).await;
            used[at] = used[at].plus(&site.read_cpu()?.since(&before));
        }
    }
    for ((figures, samples), used) in figures.iter_mut().zip(&samples).zip(&used) {
        figures.push_samples(samples);
        push_cpu(figures, "PodCycle/parallel", used, batches * at_once);
    }
    Ok(())
}

async fn batch(site: &Site, turn: usize, at_once: usize, samples: &mut Samples) -> Result<()> {
    let crowd = Crowd { at_once, suffix: SUFFIX };
    let mut whole = Samples::with_suffix(SUFFIX);
    let names = (0..at_once).map(|pod| format!("par-{turn}-{pod}")).collect();

    let start = Instant::now();
    let (pods, taken) = crowd.up(site, names).await?;
    whole.add("BatchUp", start.elapsed());
    samples.merge(taken);

    let (pods, taken) = crowd.probe(site, pods).await?;
    samples.merge(taken);
    site.read_cpu()?;
    cycle::until_trap_is_set().await;

    let start = Instant::now();
    let taken = crowd.down(site, pods).await?;
    whole.add("BatchDown", start.elapsed());
    samples.merge(taken);
    samples.merge(whole);
    Ok(())
}
