//! The layers of a pull: those not here yet are fetched, two at a time, each by whoever comes first.

use std::collections::HashSet;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::blocking;
use crate::digest::DiffId;
use crate::error::{Error, Result};
use crate::hooks::PullHooks;
use crate::ingest::Ingest;
use crate::layers::{self, Hold, Layers};
use crate::pull::documents::Wanted;
use crate::pull::layer::{Work, add};
use crate::pull::meter::Meter;
use crate::pull::pipeline::Failed;
use crate::record::Record;
use crate::registry::Session;
use crate::store::Shared;
use crate::view::View;
use crate::{mend, stack};

/// The trees of an image, lowest first, kept from garbage collection.
pub(super) struct Stacked {
    pub(super) trees: Vec<DiffId>,
    _hold: Hold,
}

/// Brings every layer here.
pub(super) async fn all(
    store: &Arc<Shared>,
    session: &Arc<Session>,
    wanted: &Wanted,
    hooks: &PullHooks,
) -> Result<Stacked> {
    let diff_ids = wanted.diff_ids();
    let mut holds = vec![store.layers.hold(&diff_ids)];
    let here =
        |at: usize| store.layers.stack(&diff_ids[..=at]).is_some() || store.layers.is_present(&diff_ids[at]);
    let mut seen = HashSet::new();
    let missing: Vec<usize> =
        (0..diff_ids.len()).filter(|at| !here(*at) && seen.insert(diff_ids[*at])).collect();
    let meter = Arc::new(Meter::new(hooks, missing.iter().map(|at| wanted.layers[*at].0.size)));
    let work = Work { store, session, hooks, meter };

    let fetched = stream::iter(missing.into_iter().map(|at| work.alone(at, wanted)));
    let needy: Vec<Option<usize>> = fetched.buffer_unordered(store.pulls.parallel).try_collect().await?;
    let mut needy: Vec<usize> = needy.into_iter().flatten().collect();

    // A layer with hard links into those below waits for them.
    needy.sort_unstable();
    for at in needy {
        holds.push(work.above_others(at, wanted).await?);
    }
    let mut trees = store.layers.stack(&diff_ids).ok_or_else(|| gone(store))?;
    let mending = store.layers.hold(&[mend::id(&trees)]);
    trees.extend(mended(store, &trees).await?);
    let hold = store.layers.hold(&trees);
    drop((holds, mending));
    Ok(Stacked { trees, _hold: hold })
}

/// Can only happen if somebody else deletes our files.
fn gone(store: &Shared) -> Error {
    let path = store.config.root.join("layers");
    Error::Corrupt { path, why: "a layer vanished while its image was pulled".to_owned() }
}

impl Work<'_> {
    /// Fetches one layer. Returns its place if it needs the layers below.
    async fn alone(&self, at: usize, wanted: &Wanted) -> Result<Option<usize>> {
        let (layer, diff_id) = &wanted.layers[at];
        let lock = self.store.pulls.layer(diff_id);
        let _turn = lock.lock().await;
        if self.store.layers.is_present(diff_id) {
            self.meter.layer_done(layer.size);
            return Ok(None);
        }
        match self.bring(layer, *diff_id, *diff_id, None).await {
            Ok(()) => Ok(None),
            Err(Failed::NeedsLower) => Ok(Some(at)),
            Err(Failed::Error(error)) => Err(error),
        }
    }

    /// Fetches one layer with those below at hand.
    async fn above_others(&self, at: usize, wanted: &Wanted) -> Result<Hold> {
        let (layer, diff_id) = &wanted.layers[at];
        let diff_ids = wanted.diff_ids();
        let present = |id: &DiffId| self.store.layers.is_present(id);
        let below = stack::keys(&diff_ids[..at], present).ok_or_else(|| gone(self.store))?;
        let bound = stack::bound(&below, diff_id);
        let lock = self.store.pulls.layer(&bound);
        let _turn = lock.lock().await;
        let hold = self.store.layers.hold(&[bound]);
        if present(&bound) {
            self.meter.layer_done(layer.size);
            return Ok(hold);
        }
        let visible = self.store.layers.stack(&diff_ids[..at]).ok_or_else(|| gone(self.store))?;
        let view = Arc::new(view(&self.store.layers, &visible)?);
        match self.bring(layer, *diff_id, bound, Some(view)).await {
            Ok(()) => Ok(hold),
            Err(Failed::Error(error)) => Err(error),
            Err(Failed::NeedsLower) => Err(gone(self.store)),
        }
    }
}

fn view(layers: &Layers, stack: &[DiffId]) -> Result<View> {
    let trees = stack.iter().rev().map(|id| layers.tree(id));
    View::open(trees).map_err(|e| Error::io("open", "layers")(e.into()))
}

/// The layer that mends directories of `stack`, if it needs one; made here if it is not there. The caller holds it.
async fn mended(store: &Arc<Shared>, stack: &[DiffId]) -> Result<Option<DiffId>> {
    let id = mend::id(stack);
    let lock = store.pulls.layer(&id);
    let _turn = lock.lock().await;
    if store.layers.is_present(&id) {
        return Ok(Some(id));
    }
    let (shared, trees) = (Arc::clone(store), stack.to_vec());
    let made = blocking::run("mend directories", None, move || make_mending(&shared, &trees)).await?;
    let Some((ingest, record)) = made else { return Ok(None) };
    store.pulls.syncer.sync(&store.layers).await?;
    add(store, id, record, ingest).await?;
    Ok(Some(id))
}

fn make_mending(store: &Shared, stack: &[DiffId]) -> Result<Option<(Ingest, Record)>> {
    let implied: Vec<HashSet<Vec<u8>>> =
        stack.iter().rev().map(|id| store.layers.record(id).implied().into_iter().collect()).collect();
    if implied.iter().all(HashSet::is_empty) || stack.len() < 2 {
        return Ok(None);
    }
    let failed = |error| Error::io("mend directories of", store.config.root.join("layers"))(error);
    let directories = mend::find(&view(&store.layers, stack)?, &implied).map_err(failed)?;
    if directories.is_empty() {
        return Ok(None);
    }
    let ingest = store.ingest.create()?;
    let tree = ingest.path().join("fs");
    std::fs::create_dir(&tree)
        .and_then(|()| std::fs::File::open(&tree))
        .and_then(|dir| mend::make(dir.as_fd(), &directories))
        .map_err(failed)?;
    let record = Record::new(layers::count(&tree)?.unwrap_or_default(), false, &[]);
    record.write(ingest.path())?;
    Ok(Some((ingest, record)))
}
