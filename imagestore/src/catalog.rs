//! The catalogue: which images there are and what they are called; pure, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::reference::Reference;

/// Shortest id prefix that names an image. Shorter ones are more likely a name: `cafe` is both.
const ID_PREFIX_MIN: usize = 6;

/// All images, and an index from every complete name to the image's id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    images: BTreeMap<Digest, Arc<Image>>,
    names: HashMap<String, Digest>,
}

impl Catalog {
    /// The images in the order of their ids.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Arc<Image>> {
        self.images.values()
    }

    pub(crate) fn by_id(&self, id: &Digest) -> Option<&Arc<Image>> {
        self.images.get(id)
    }

    /// Puts `image` in, in place of one with the same id. Its names leave whichever image had them.
    pub(crate) fn put(&mut self, image: Image) {
        self.take(&image.id);
        for name in image.tags.iter().chain(&image.digests) {
            if let Some(loser) = self.names.insert(name.clone(), image.id)
                && let Some(loser) = self.images.get_mut(&loser)
            {
                let loser = Arc::make_mut(loser);
                loser.tags.retain(|tag| tag != name);
                loser.digests.retain(|digest| digest != name);
            }
        }
        self.images.insert(image.id, Arc::new(image));
    }

    /// Takes the image with this id out, with all its names.
    pub(crate) fn take(&mut self, id: &Digest) -> Option<Arc<Image>> {
        let image = self.images.remove(id)?;
        for name in image.tags.iter().chain(&image.digests) {
            self.names.remove(name);
        }
        Some(image)
    }

    /// Finds an image by anything CRI callers use: a familiar or complete name, a digest with or without
    /// a repository, an id, the beginning of an id.
    pub(crate) fn find(&self, any: &str) -> Result<Option<&Arc<Image>>> {
        if let Some(found) = any.parse().ok().or_else(|| Digest::from_hex(any).ok()) {
            return Ok(self.by_id(&found).or_else(|| self.by_manifest(&found)));
        }
        let reference = Reference::parse(any);
        if let Ok(reference) = &reference
            && let Some(found) = self.by_reference(reference)
        {
            return Ok(Some(found));
        }
        let hex = any.strip_prefix("sha256:").unwrap_or(any);
        if is_prefix(hex) {
            return self.by_prefix(hex);
        }
        reference.map(|_| None)
    }

    fn by_reference(&self, reference: &Reference) -> Option<&Arc<Image>> {
        let name = match reference.digest() {
            Some(digest) => reference.repo_digest(&digest),
            None => reference.repo_tag()?,
        };
        self.by_id(self.names.get(&name)?)
    }

    /// A bare digest may also be that of a manifest or index, as tools print it.
    fn by_manifest(&self, digest: &Digest) -> Option<&Arc<Image>> {
        let suffix = format!("@{digest}");
        self.images
            .values()
            .find(|image| image.manifest == *digest || image.digests.iter().any(|d| d.ends_with(&suffix)))
    }

    fn by_prefix(&self, hex: &str) -> Result<Option<&Arc<Image>>> {
        let mut fits = self.images.iter().filter(|(id, _)| id.hex().starts_with(hex)).map(|(_, image)| image);
        match (fits.next(), fits.next()) {
            (Some(_), Some(_)) => Err(Error::Ambiguous { prefix: hex.to_owned() }),
            (only, _) => Ok(only),
        }
    }

    /// Every document some image keeps.
    pub(crate) fn documents(&self) -> HashSet<Digest> {
        self.images.values().flat_map(|image| image.documents.iter().copied()).collect()
    }
}

fn is_prefix(hex: &str) -> bool {
    (ID_PREFIX_MIN..64).contains(&hex.len()) && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
