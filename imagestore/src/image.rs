//! What the store knows of one image.

use std::sync::Arc;

use crate::digest::{DiffId, Digest};
use crate::image_config::ImageConfig;
use crate::reference::Reference;

/// An image that is here, whole and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The digest of the config document: the image id of CRI.
    pub id: Digest,
    /// The digest of the manifest this node runs (of an index: the chosen one).
    pub manifest: Digest,
    /// `host/path:tag`, complete, sorted.
    pub tags: Vec<String>,
    /// `host/path@sha256:…` of the manifest or index that was pulled, sorted.
    pub digests: Vec<String>,
    /// Disk space of its layers and documents, in bytes; never 0. Shared layers count in every image.
    pub size_bytes: u64,
    /// How it wants to be run.
    pub config: Arc<ImageConfig>,
    /// The trees to stack with overlayfs, lowest first, each once. Mostly the layers' diff_ids; a layer that only fits
    /// above certain others, or one made to mend directories, has an id of our own.
    pub layers: Vec<DiffId>,
    /// Why garbage collection must leave it alone.
    pub pinned: Option<String>,
    /// Every document kept for it: indexes on the way, manifest, config.
    pub(crate) documents: Vec<Digest>,
}

impl Image {
    /// Adds what a pull of `reference`, which led to `digest`, calls it. Says whether anything is new.
    pub(crate) fn add_names(&mut self, reference: &Reference, digest: &Digest) -> bool {
        let tag = reference.repo_tag().is_some_and(|tag| insert_sorted(&mut self.tags, tag));
        insert_sorted(&mut self.digests, reference.repo_digest(digest)) | tag
    }

    /// Keeps `digests` too. Says whether any is new.
    pub(crate) fn add_documents(&mut self, digests: &[Digest]) -> bool {
        let before = self.documents.len();
        self.documents.extend_from_slice(digests);
        self.documents.sort_unstable();
        self.documents.dedup();
        self.documents.len() != before
    }
}

fn insert_sorted(list: &mut Vec<String>, name: String) -> bool {
    match list.binary_search(&name) {
        Ok(_) => false,
        Err(at) => {
            list.insert(at, name);
            true
        }
    }
}
