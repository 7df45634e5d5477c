//! Many pods, some of them at once.
use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::cycle::{self, Pod};
use crate::samples::Samples;
use crate::site::Site;

/// How many at once, and what their samples are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd {
    pub(crate) at_once: usize,
    pub(crate) suffix: &'static str,
}

impl Crowd {
    pub(crate) async fn up(self, site: &Site, names: Vec<String>) -> Result<(Vec<Pod>, Samples)> {
        let all = names.into_iter().map(async |name| {
            let mut samples = Samples::with_suffix(self.suffix);
            let pod = cycle::up(site, name, &mut samples).await?;
            anyhow::Ok((pod, samples))
        });
        self.gather(site, all).await
    }

    /// Gives the pods back.
    pub(crate) async fn probe(self, site: &Site, pods: Vec<Pod>) -> Result<(Vec<Pod>, Samples)> {
        let all = pods.into_iter().map(async |pod| {
            let mut samples = Samples::with_suffix(self.suffix);
            cycle::probe(site, &pod, &mut samples).await?;
            anyhow::Ok((pod, samples))
        });
        self.gather(site, all).await
    }

    pub(crate) async fn down(self, site: &Site, pods: Vec<Pod>) -> Result<Samples> {
        let all = pods.into_iter().map(async |pod| {
            let mut samples = Samples::with_suffix(self.suffix);
            cycle::down(site, pod, &mut samples).await?;
            anyhow::Ok(((), samples))
        });
        Ok(self.gather(site, all).await?.1)
    }

    async fn gather<T>(
        self,
        site: &Site,
        all: impl Iterator<Item = impl Future<Output = Result<(T, Samples)>>>,
    ) -> Result<(Vec<T>, Samples)> {
        let done: Result<Vec<_>> =
            stream::iter(all).buffer_unordered(self.at_once.max(1)).try_collect().await;
        let done = done.with_context(|| format!("{}, {} at once", site.endpoint.name, self.at_once))?;
        let mut samples = Samples::default();
        let items = done.into_iter().map(|(item, taken)| {
            samples.merge(taken);
            item
        });
        Ok((items.collect(), samples))
    }
}
