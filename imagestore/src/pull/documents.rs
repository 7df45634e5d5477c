//! The documents of a pull: from a reference to one manifest and its config, all verified.

use std::sync::Arc;

use crate::blocking;
use crate::content::Blob;
use crate::digest::{DiffId, Digest};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::image_config::{self, ImageConfig};
use crate::manifest::{self, Descriptor, Document, Manifest};
use crate::reference::Reference;
use crate::registry::{Resolved, Session};
use crate::store::Shared;

/// Indexes inside indexes: one level is used (attestations), nobody needs eight.
const INDEX_DEPTH_MAX: usize = 8;

/// What the reference led to.
pub(super) struct FoundDocument {
    target: Digest,
    blob: Option<Blob>,
}

/// The manifest for this node.
pub(super) struct Chosen {
    target: Digest,
    digest: Digest,
    manifest: Manifest,
    blobs: Vec<Blob>,
}

/// The image as it will be, but for its layers.
pub(super) struct Wanted {
    pub(super) target: Digest,
    manifest: Digest,
    id: Digest,
    config: Arc<ImageConfig>,
    /// Compressed and uncompressed identity of every layer, lowest first.
    pub(super) layers: Vec<(Descriptor, DiffId)>,
    pub(super) blobs: Vec<Blob>,
}

impl Wanted {
    /// Lowest first.
    pub(super) fn diff_ids(&self) -> Vec<DiffId> {
        self.layers.iter().map(|(_, id)| *id).collect()
    }

    /// The image, made of the trees in `stack`.
    pub(super) fn image(&self, stack: &[DiffId]) -> Image {
        let mut documents: Vec<Digest> = self.blobs.iter().map(Blob::digest).collect();
        documents.sort_unstable();
        documents.dedup();
        Image {
            id: self.id,
            manifest: self.manifest,
            tags: Vec::new(),
            digests: Vec::new(),
            size_bytes: 0,
            config: Arc::clone(&self.config),
            layers: stack.to_vec(),
            pinned: None,
            documents,
        }
    }
}

/// Asks the registry what the reference means now, and thereby whether this caller may have it.
pub(super) async fn resolve(
    store: &Arc<Shared>,
    session: &Session,
    reference: &Reference,
) -> Result<FoundDocument> {
    let catalog = store.catalog();
    let known = catalog.find(&reference.to_string()).ok().flatten().is_some();
    match session.resolve(reference, known).await? {
        Resolved::Digest(target) => Ok(FoundDocument { target, blob: None }),
        Resolved::Document(blob) => Ok(FoundDocument { target: blob.digest(), blob: Some(blob) }),
    }
}

/// Goes through indexes to the manifest for this node.
pub(super) async fn choose(store: &Arc<Shared>, session: &Session, found: FoundDocument) -> Result<Chosen> {
    let name = session.name();
    let (mut digest, mut at_hand) = (found.target, found.blob);
    let mut blobs: Vec<Blob> = Vec::new();
    loop {
        let blob = match at_hand.take() {
            Some(blob) => blob,
            None => match local(store, digest).await? {
                Some(blob) => blob,
                None => session.manifest(&digest).await?,
            },
        };
        let what = format!("manifest {name}@{digest}");
        let document = manifest::parse(&what, blob.bytes())?;
        blobs.push(blob);
        match document {
            Document::Image(manifest) => return Ok(Chosen { target: found.target, digest, manifest, blobs }),
            Document::Index(entries) => {
                digest = manifest::choose(&what, &entries, &store.config.platform)?.digest;
                let seen = blobs.iter().any(|blob| blob.digest() == digest);
                if seen || blobs.len() > INDEX_DEPTH_MAX {
                    let why = format!("indexes inside indexes, more than {INDEX_DEPTH_MAX} deep");
                    return Err(Error::Document { what, why });
                }
            }
        }
    }
}

/// Fetches the config and checks that it belongs to the manifest and to this node.
pub(super) async fn config(store: &Arc<Shared>, session: &Session, chosen: Chosen) -> Result<Wanted> {
    let Chosen { target, digest, manifest, mut blobs } = chosen;
    let id = manifest.config.digest;
    let blob = match local(store, id).await? {
        Some(blob) => blob,
        None => session.config(&manifest.config).await?,
    };
    let what = format!("config {}@{id}", session.name());
    let parsed = image_config::parse(&what, blob.bytes(), manifest.layers.len())?;
    let node = &store.config.platform;
    if let Some(platform) = &parsed.platform
        && platform.fit(node).is_none()
    {
        let image = session.name();
        return Err(Error::Platform { image, wanted: node.to_string(), offered: platform.to_string() });
    }
    blobs.push(blob);
    let layers = manifest.layers.into_iter().zip(parsed.diff_ids).collect();
    Ok(Wanted { target, manifest: digest, id, config: Arc::new(parsed.config), layers, blobs })
}

/// A document that is here already. A damaged one is fetched again.
async fn local(store: &Arc<Shared>, digest: Digest) -> Result<Option<Blob>> {
    let store = Arc::clone(store);
    blocking::run("read document", None, move || match store.documents.read(&digest) {
        Err(Error::Corrupt { path, .. }) => {
            tracing::warn!(path = %path.display(), "document is damaged and is fetched again");
            Ok(None)
        }
        other => other,
    })
    .await
}
