//! One pod after the other: how long each call takes when nothing else goes on.
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cycle;
use crate::figures::Figures;
use crate::meter::Reading;
use crate::phase::{in_turn, push_cpu};
use crate::samples::Samples;
use crate::site::Site;

pub(crate) async fn run(
    sites: &[Site],
    figures: &mut [Figures],
    iterations: usize,
    settle: Duration,
) -> Result<()> {
    let mut samples: Vec<Samples> = sites.iter().map(|_| Samples::default()).collect();
    let mut used = vec![Reading::ZERO; sites.len()];
    // The first of each warms caches and counts for nothing.
    for turn in 0..=iterations {
        for (at, site) in in_turn(sites, turn) {
            let mut taken = Samples::default();
            let cpu = one_turn(site, turn, settle, &mut taken);
            let cpu = cpu.await.with_context(|| format!("{}, pod {turn}", site.endpoint.name))?;
            if turn > 0 {
                samples[at].merge(taken);
                used[at] = used[at].plus(&cpu);
            }
        }
    }
    for ((figures, samples), used) in figures.iter_mut().zip(&samples).zip(&used) {
        figures.push_samples(samples);
        push_cpu(figures, "PodCycle", used, iterations);
    }
    Ok(())
}

async fn one_turn(site: &Site, turn: usize, settle: Duration, taken: &mut Samples) -> Result<Reading> {
    let before = site.read_cpu()?;
    let pod = cycle::up(site, format!("seq-{turn}"), taken).await?;
    cycle::probe(site, &pod, taken).await?;
    // A look while the pod's processes are there, for the meter that goes by processes.
    site.read_cpu()?;
    cycle::until_trap_is_set().await;
    cycle::down(site, pod, taken).await?;
    tokio::time::sleep(settle).await;
    Ok(site.read_cpu()?.since(&before))
}
