//! Opening: lock, clear the leftovers of a crash, read the index, drop what is not whole.

use std::fs::DirBuilder;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::{Arc, Mutex, RwLock};

use crate::Config;
use crate::catalog::Catalog;
use crate::content::Documents;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::ingest::IngestRoot;
use crate::layers::Layers;
use crate::manifest::{self, Document};
use crate::meta::{Entry, Found, IndexFile};
use crate::pull::Pulls;
use crate::registry::Registry;
use crate::store::{Shared, Store, rebuild, unpoisoned};
use crate::{Digest, image_config};

pub(super) fn open(config: Config) -> Result<Store> {
    let root = config.root.clone();
    DirBuilder::new().recursive(true).mode(0o700).create(&root).map_err(Error::io("create", &root))?;
    let lock = lock(&root.join("lock"))?;
    let store = Shared {
        catalog: RwLock::default(),
        writer: Mutex::default(),
        index: IndexFile::at(&root),
        documents: Documents::open(&root)?,
        layers: Arc::new(Layers::open(&root)?),
        ingest: IngestRoot::open(&root)?,
        registry: Arc::new(Registry::new(&config)),
        pulls: Pulls::new(&config),
        config,
        _lock: lock,
    };
    load(&store)?;
    store.index.reserve();
    Ok(Store(Arc::new(store)))
}

/// Two processes would empty each other's ingest directories.
fn lock(path: &std::path::Path) -> Result<OwnedFd> {
    match sys::lock::exclusive(path) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Err(Error::Corrupt {
            path: path.to_owned(),
            why: "another process uses this image store: stop it first".to_owned(),
        }),
        other => other.map_err(Error::io("lock", path)),
    }
}

fn load(store: &Shared) -> Result<()> {
    let writer = unpoisoned(store.writer.lock());
    let (entries, damage) = match store.index.read()? {
        Found::Whole(entries) => (entries, None),
        Found::Older { entries, why } => (entries, Some(why)),
        Found::Lost { why } => (Vec::new(), Some(why)),
        // Layers and documents without any index were never named: what a first pull leaves when it is cut off.
        Found::Nothing => (Vec::new(), None),
    };
    let mut catalog = Catalog::default();
    for entry in entries {
        match assemble(store, &entry) {
            Ok(image) => catalog.put(image),
            Err(error) => {
                let names = entry.tags.join(" ");
                tracing::warn!(id = %entry.id, names, error = %error, "image is not whole and is dropped: pull it again");
            }
        }
    }
    if let Some(why) = damage {
        let found = rebuild::unnamed(store, &catalog)?;
        tracing::warn!(path = %store.index.path().display(), why, named = catalog.images().count(), unnamed = found.len(),
            "image index is damaged; it is set aside and made anew: images without a name get it back by a pull, without a download");
        for image in found {
            catalog.put(image);
        }
        store.index.set_aside()?;
        store.replace(&writer, catalog)?;
    } else {
        *unpoisoned(store.catalog.write()) = catalog;
    }
    store.sweep_documents(&writer)
}

/// Makes an image of an index entry, if all of it is here and its documents are what they were.
pub(super) fn assemble(store: &Shared, entry: &Entry) -> Result<Image> {
    let missing = |what: &str| Error::Document {
        what: format!("image {}", entry.id),
        why: format!("{what} is missing"),
    };
    let read = |digest: &Digest| store.documents.read(digest)?.ok_or_else(|| missing("a document"));
    let manifest = read(&entry.manifest)?;
    let Document::Image(manifest) = manifest::parse("manifest", manifest.bytes())? else {
        return Err(missing("the manifest"));
    };
    if manifest.config.digest != entry.id {
        return Err(missing("the config"));
    }
    let config = read(&entry.id)?;
    let parsed = image_config::parse("config", config.bytes(), manifest.layers.len())?;
    if !store.layers.are_present(&entry.layers) {
        return Err(missing("a layer"));
    }
    let mut image = Image {
        id: entry.id,
        manifest: entry.manifest,
        tags: entry.tags.clone(),
        digests: entry.digests.clone(),
        size_bytes: 0,
        config: Arc::new(parsed.config),
        layers: entry.layers.clone(),
        pinned: entry.pinned.clone(),
        documents: entry.documents.clone(),
    };
    image.size_bytes = store.size_of(&image);
    Ok(image)
}
