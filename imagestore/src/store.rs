//! The store: what is on disk below one root directory, and the queries and removals on it.
//!
//! ```text
//! <root>/lock                  held by the one process that uses the store
//! <root>/index, index.old      names of images (see meta.rs)
//! <root>/blobs/sha256/<hex>    indexes, manifests and configs, byte for byte
//! <root>/layers/<hex>/fs       unpacked layers by diff_id, overlay-ready (see layers.rs)
//! <root>/ingest/<random>/      what is on its way in or out; emptied at open
//! ```
//! The order of a pull makes every crash harmless: layers are synced before they get their name in `layers`,
//! documents before the index speaks of them; the index comes last.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::catalog::Catalog;
use crate::content::{Blob, Documents};
use crate::digest::{DiffId, Digest};
use crate::error::Result;
use crate::image::Image;
use crate::ingest::IngestRoot;
use crate::layers::{FsUsage, Hold, Layers};
use crate::meta::{self, IndexFile};
use crate::pull::Pulls;
use crate::reference::Reference;
use crate::registry::Registry;
use crate::{Config, Platform};

pub(crate) mod files;
mod open;
mod rebuild;

/// The image store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store(pub(crate) Arc<Shared>);

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    catalog: RwLock<Catalog>,
    /// Held over every change of documents, index and catalogue, in this order.
    writer: Mutex<()>,
    index: IndexFile,
    pub(crate) documents: Documents,
    pub(crate) layers: Arc<Layers>,
    pub(crate) ingest: IngestRoot,
    pub(crate) registry: Arc<Registry>,
    pub(crate) pulls: Pulls,
    _lock: OwnedFd,
}

/// Keeps a lock usable after a panic of another thread: every guarded change is one assignment.
fn unpoisoned<G>(lock: std::result::Result<G, PoisonError<G>>) -> G {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the store below `config.root`, making it if need be, and clears what a crash left behind.
    ///
    /// Layers that no image uses stay until [`Store::gc`]: a running container may still need them.
    pub fn open(config: Config) -> Result<Self> {
        open::open(config)
    }

    /// Finds an image by name (familiar or complete), digest, id, or the beginning of its id (6 digits or more).
    /// `None` if there is none; an error if the text can be no name at all, or fits several ids.
    pub fn get(&self, any: &str) -> Result<Option<Arc<Image>>> {
        unpoisoned(self.0.catalog.read()).find(any).map(|found| found.cloned())
    }

    /// All images, in the order of their ids.
    pub fn list(&self) -> Vec<Arc<Image>> {
        unpoisoned(self.0.catalog.read()).images().cloned().collect()
    }

    /// Removes an image with all its names; false if there was none. Layers that no other image and no
    /// `in_use` needs are deleted. Blocks on the disk.
    pub fn remove(&self, any: &str, in_use: &HashSet<DiffId>) -> Result<bool> {
        let removed = {
            let writer = unpoisoned(self.0.writer.lock());
            let mut catalog = self.0.catalog();
            let Some(id) = catalog.find(any)?.map(|image| image.id) else { return Ok(false) };
            let removed = catalog.take(&id);
            self.0.replace(&writer, catalog)?;
            self.0.sweep_documents(&writer)?;
            removed
        };
        let own: HashSet<DiffId> = removed.iter().flat_map(|image| &image.layers).copied().collect();
        // Asked of the catalogue as it is at that moment: a pull may just have named another image with such a layer.
        let keep = |id: &DiffId| !own.contains(id) || in_use.contains(id) || self.0.uses(id);
        self.0.layers.sweep(&self.0.ingest, keep)?;
        self.0.index.reserve();
        Ok(true)
    }

    /// Deletes every layer that neither an image, nor a pull under way, nor `in_use` needs. Returns how many.
    /// Blocks on the disk.
    pub fn gc(&self, in_use: &HashSet<DiffId>) -> Result<usize> {
        // A pull holds its layers until its image is in the catalogue, so this order misses none.
        let keep = |id: &DiffId| in_use.contains(id) || self.0.uses(id);
        let count = self.0.layers.sweep(&self.0.ingest, keep)?;
        let writer = unpoisoned(self.0.writer.lock());
        self.0.sweep_documents(&writer)?;
        self.0.index.reserve();
        Ok(count)
    }

    /// Keeps the image from garbage collection for `reason`; `None` lets it go. False if there is no such image.
    pub fn pin(&self, any: &str, reason: Option<&str>) -> Result<bool> {
        let writer = unpoisoned(self.0.writer.lock());
        let mut catalog = self.0.catalog();
        let Some(image) = catalog.find(any)?.cloned() else { return Ok(false) };
        if image.pinned.as_deref() != reason {
            catalog.put(Image { pinned: reason.map(str::to_owned), ..Image::clone(&image) });
            self.0.replace(&writer, catalog)?;
        }
        Ok(true)
    }

    /// Disk space and inodes of all layers and documents.
    pub fn fs_usage(&self) -> Result<FsUsage> {
        let mut usage = self.0.layers.total();
        for digest in self.0.catalog().documents() {
            usage += FsUsage { bytes: self.0.documents.size(&digest).next_multiple_of(4096), inodes: 1 };
        }
        Ok(usage)
    }

    /// The unpacked tree of a layer, overlay-ready: whiteouts are 0:0 character devices, opaque directories
    /// carry `trusted.overlay.opaque=y`.
    pub fn layer_dir(&self, diff_id: &DiffId) -> PathBuf {
        self.0.layers.tree(diff_id)
    }

    /// Keeps the image's layers until the result is dropped: for the time between [`Store::get`] and the record
    /// that makes them `in_use`.
    pub fn hold(&self, image: &Image) -> Hold {
        self.0.layers.hold(&image.layers)
    }

    /// The directory everything is in.
    pub fn root(&self) -> &std::path::Path {
        &self.0.config.root
    }

    /// The platform that images are chosen for.
    pub fn platform(&self) -> &Platform {
        &self.0.config.platform
    }
}

/// What a finished pull hands to the catalogue.
#[derive(Debug)]
pub(crate) struct Pulled<'a> {
    pub(crate) reference: &'a Reference,
    /// What the reference led to: a manifest or an index.
    pub(crate) target: Digest,
    pub(crate) image: Image,
    /// The documents that may not be here yet.
    pub(crate) blobs: Vec<Blob>,
}

impl Shared {
    /// A copy of the catalogue as it is now.
    pub(crate) fn catalog(&self) -> Catalog {
        unpoisoned(self.catalog.read()).clone()
    }

    fn uses(&self, id: &DiffId) -> bool {
        unpoisoned(self.catalog.read()).images().any(|image| image.layers.contains(id))
    }

    /// Writes the index, then makes the catalogue visible.
    fn replace(&self, _writer: &MutexGuard<'_, ()>, catalog: Catalog) -> Result<()> {
        let entries: Vec<meta::Entry> = catalog.images().map(|image| (&**image).into()).collect();
        self.index.replace(&entries)?;
        *unpoisoned(self.catalog.write()) = catalog;
        Ok(())
    }

    fn sweep_documents(&self, _writer: &MutexGuard<'_, ()>) -> Result<()> {
        self.documents.sweep(&self.catalog().documents())
    }

    /// Names a pulled image: from here on it is visible, and survives a power cut. The caller holds its layers.
    pub(crate) fn name(&self, pulled: Pulled<'_>) -> Result<Arc<Image>> {
        let writer = unpoisoned(self.writer.lock());
        let ingest = self.ingest.create()?;
        self.documents.write(&ingest, &pulled.blobs)?;
        let mut catalog = self.catalog();
        let mut image = match catalog.by_id(&pulled.image.id) {
            Some(known) => Image { manifest: pulled.image.manifest, ..Image::clone(known) },
            None => pulled.image.clone(),
        };
        image.add_documents(&pulled.image.documents);
        image.add_names(pulled.reference, &pulled.target);
        image.size_bytes = self.size_of(&image);
        if catalog.by_id(&image.id).is_none_or(|known| **known != image) {
            let id = image.id;
            catalog.put(image);
            self.replace(&writer, catalog.clone())?;
            return Ok(Arc::clone(catalog.by_id(&id).unwrap_or_else(|| unreachable!("it was put there"))));
        }
        Ok(Arc::new(image))
    }

    /// Disk space of an image's layers and documents.
    fn size_of(&self, image: &Image) -> u64 {
        let layers = image.layers.iter().filter_map(|id| self.layers.usage(id)).map(|usage| usage.bytes);
        let documents = image.documents.iter().map(|digest| self.documents.size(digest));
        layers.chain(documents).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests;
