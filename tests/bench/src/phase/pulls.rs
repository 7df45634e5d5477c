//! Pulls of an image that is not there.
use std::time::Duration;

use anyhow::{Context, Result};
use proto::cri::{PullImageRequest, RemoveImageRequest};

use crate::cycle::timed;
use crate::figures::Figures;
use crate::meter::Reading;
use crate::phase::{in_turn, push_cpu};
use crate::request::image;
use crate::samples::Samples;
use crate::site::Site;

pub(crate) async fn run(
    sites: &[Site],
    figures: &mut [Figures],
    name: &str,
    pulls: usize,
    settle: Duration,
) -> Result<()> {
    let mut samples: Vec<Samples> = sites.iter().map(|_| Samples::default()).collect();
    let mut used = vec![Reading::ZERO; sites.len()];
    for turn in 0..pulls {
        for (at, site) in in_turn(sites, turn) {
            let cpu = one_pull(site, name, settle, &mut samples[at]).await;
            let cpu = cpu.with_context(|| format!("{}: pull {name}", site.endpoint.name))?;
            used[at] = used[at].plus(&cpu);
        }
    }
    for ((figures, samples), used) in figures.iter_mut().zip(&samples).zip(&used) {
        figures.push_samples(samples);
        push_cpu(figures, "Pull", used, pulls);
    }
    Ok(())
}

async fn one_pull(site: &Site, name: &str, settle: Duration, samples: &mut Samples) -> Result<Reading> {
    let mut client = site.endpoint.image_client();
    client.remove_image(RemoveImageRequest { image: image(name) }).await.context("RemoveImage")?;
    // A runtime may free the disk later; that is not part of the pull.
    tokio::time::sleep(settle).await;
    let before = site.read_cpu()?;
    let request = PullImageRequest { image: image(name), ..PullImageRequest::default() };
    timed(samples, "PullImage", Box::pin(client.pull_image(request))).await?;
    tokio::time::sleep(settle).await;
    Ok(site.read_cpu()?.since(&before))
}
