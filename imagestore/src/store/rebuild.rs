//! Rebuilding: images found by their manifests when the index that named them is gone.

use crate::catalog::Catalog;
use crate::error::Result;
use crate::image::Image;
use crate::manifest::{self, Document};
use crate::meta::Entry;
use crate::store::{Shared, open};
use crate::{image_config, mend};

/// Every whole image that `known` lacks. They have ids but no names: those were in the index alone.
pub(super) fn unnamed(store: &Shared, known: &Catalog) -> Result<Vec<Image>> {
    let mut found = Vec::new();
    for digest in store.documents.list()? {
        // A document that is damaged, or no manifest, is simply none of them.
        let Ok(Some(blob)) = store.documents.read(&digest) else { continue };
        let Ok(Document::Image(manifest)) = manifest::parse("manifest", blob.bytes()) else { continue };
        let id = manifest.config.digest;
        if known.by_id(&id).is_some() {
            continue;
        }
        let Ok(Some(config)) = store.documents.read(&id) else { continue };
        let Ok(parsed) = image_config::parse("config", config.bytes(), manifest.layers.len()) else {
            continue;
        };
        let Some(mut layers) = store.layers.stack(&parsed.diff_ids) else { continue };
        let mending = mend::id(&layers);
        layers.extend(store.layers.is_present(&mending).then_some(mending));
        let entry = Entry {
            id,
            manifest: digest,
            documents: vec![digest, id],
            layers,
            tags: Vec::new(),
            digests: Vec::new(),
            pinned: None,
        };
        found.extend(open::assemble(store, &entry));
    }
    Ok(found)
}
