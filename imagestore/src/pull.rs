//! Pull: resolve, choose, fetch and verify, unpack, name.
//!
//! ```text
//! Store::pull ─► flight.rs (join an equal pull) ─► run ─► documents.rs ─► layers.rs ─► pipeline.rs ─► Store::name
//! ```
//! Whatever ends a pull early (an error, a dropped future, a crash) leaves at most verified layers, which the next
//! pull finds or garbage collection takes; the image itself appears as the last thing, in one step.

use std::sync::Arc;

use crate::blocking;
use crate::error::Result;
use crate::hooks::PullHooks;
use crate::image::Image;
use crate::store::{Pulled, Shared};
use crate::{Credentials, Reference, Store};

mod documents;
mod flight;
mod layer;
mod layers;
mod meter;
mod pipeline;
mod sync;

pub(crate) use flight::Pulls;

impl Store {
    /// Pulls an image and returns it once it is whole, verified and durable.
    ///
    /// An equal pull (same reference, same credentials) that is under way is joined: its steps are announced to the
    /// hooks of whoever came first, its progress to all. Dropping the future cancels the work if nobody else waits.
    pub async fn pull(
        &self,
        reference: &str,
        auth: Option<Credentials>,
        hooks: PullHooks,
    ) -> Result<Arc<Image>> {
        let reference = Reference::parse(reference)?;
        let auth = auth.filter(|credentials| !credentials.is_empty());
        self.0.pulls.join(&self.0, reference, auth, hooks).await
    }
}

async fn run(
    store: &Arc<Shared>,
    reference: Reference,
    auth: Option<Credentials>,
    hooks: PullHooks,
) -> Result<Arc<Image>> {
    hooks.reach("pull.resolve")?;
    let session = Arc::new(store.registry.session(&reference, auth).await?);
    let found = documents::resolve(store, &session, &reference).await?;

    hooks.reach("pull.manifest")?;
    let chosen = documents::choose(store, &session, found).await?;

    hooks.reach("pull.config")?;
    let wanted = documents::config(store, &session, chosen).await?;

    let stacked = layers::all(store, &session, &wanted, &hooks).await?;

    hooks.reach("pull.name")?;
    let named = {
        let store = Arc::clone(store);
        blocking::run("name image", None, move || {
            let image = wanted.image(&stacked.trees);
            store.name(Pulled { reference: &reference, target: wanted.target, image, blobs: wanted.blobs })
        })
        .await?
    };
    hooks.reach("pull.named")?;
    Ok(named)
}
