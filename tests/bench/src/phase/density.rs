//! A node full of pods that do nothing: what they cost merely by being there.
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cycle;
use crate::figures::{Figures, in_ms};
use crate::meter::Reading;
use crate::phase::crowd::Crowd;
use crate::samples::Samples;
use crate::site::{Memory, Site};

/// How often the lists are asked for while the pods stand.
const LISTS: usize = 20;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Density {
    pub(crate) pods: usize,
    pub(crate) at_once: usize,
    pub(crate) window: Duration,
    /// Until the memory and threads of the last start are given back.
    pub(crate) rest: Duration,
}

pub(crate) async fn run(sites: &[Site], figures: &mut [Figures], density: Density) -> Result<()> {
    for (site, figures) in sites.iter().zip(figures) {
        density.measure(site, figures).await?;
    }
    Ok(())
}

impl Density {
    async fn measure(self, site: &Site, figures: &mut Figures) -> Result<()> {
        // The single calls are measured elsewhere.
        let crowd = Crowd { at_once: self.at_once, suffix: "/unused" };
        let before = site.memory()?;
        let names = (0..self.pods).map(|pod| format!("den-{pod}")).collect();

        let (start, cpu) = (Instant::now(), site.read_cpu()?);
        let (pods, _) = crowd.up(site, names).await?;
        let took = start.elapsed();
        tokio::time::sleep(self.rest).await;
        self.push_fleet(figures, "FleetUp", took, site.read_cpu()?.since(&cpu));

        push_memory(figures, self.pods, before, site.memory()?);
        let mut lists = Samples::with_suffix("/dense");
        for _ in 0..LISTS {
            cycle::lists(site, &mut lists).await?;
        }
        figures.push_samples(&lists);
        self.watch(site, figures).await?;

        let (start, cpu) = (Instant::now(), site.read_cpu()?);
        crowd.down(site, pods).await?;
        let took = start.elapsed();
        tokio::time::sleep(self.rest).await;
        self.push_fleet(figures, "FleetDown", took, site.read_cpu()?.since(&cpu));
        if let Some(after) = site.memory()? {
            figures.push(
                "MemoryAfter",
                vec![("daemon_kib", after.daemon as f64), ("kib", after.total() as f64)],
            );
        }
        Ok(())
    }

    /// CPU time while nobody asks for anything. The machine's figure includes the other runtimes and all else.
    async fn watch(self, site: &Site, figures: &mut Figures) -> Result<()> {
        let (start, cpu) = (Instant::now(), site.read_cpu()?);
        tokio::time::sleep(self.window).await;
        let used = site.read_cpu()?.since(&cpu);
        let seconds = start.elapsed().as_secs_f64();
        let runtime = used.runtime.map(|runtime| ("runtime_cpu_ms_per_s", in_ms(runtime) / seconds));
        let machine = ("machine_cpu_ms_per_s", in_ms(used.machine) / seconds);
        figures.push("IdleCpu", runtime.into_iter().chain([machine]).collect());
        Ok(())
    }

    fn push_fleet(self, figures: &mut Figures, row: &str, took: Duration, used: Reading) {
        let each = |cpu: Duration| in_ms(cpu) / self.pods as f64;
        let runtime = used.runtime.map(|cpu| ("runtime_cpu_ms_per_pod", each(cpu)));
        let machine = ("machine_cpu_ms_per_pod", each(used.machine));
        figures.push(row, [("wall_ms", in_ms(took))].into_iter().chain(runtime).chain([machine]).collect());
    }
}

fn push_memory(figures: &mut Figures, pods: usize, before: Option<Memory>, after: Option<Memory>) {
    let (Some(before), Some(after)) = (before, after) else { return };
    figures.push("MemoryIdle", vec![("daemon_kib", before.daemon as f64), ("kib", before.total() as f64)]);
    figures.push(
        "MemoryLoaded",
        vec![
            ("daemon_kib", after.daemon as f64),
            ("helpers_kib", after.helpers as f64),
            ("kib", after.total() as f64),
        ],
    );
    // Shared pages are split among all who share them, so the daemon may shrink as helpers come.
    let growth = |after: u64, before: u64| (after as f64 - before as f64).max(0.0) / pods as f64;
    figures.push(
        "MemoryPerPod",
        vec![
            ("daemon_kib", growth(after.daemon, before.daemon)),
            ("helpers_kib", growth(after.helpers, before.helpers)),
            ("kib", growth(after.total(), before.total())),
            ("helpers", (after.helper_count as f64 - before.helper_count as f64).max(0.0) / pods as f64),
        ],
    );
}
