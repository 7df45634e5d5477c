//! The image verbs: thin; the work is the image store's.
use std::{collections::HashSet, sync::Arc};

use imagestore::{DiffId, Image, Reference};
use proto::{cri, record};

use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
};

pub(crate) mod fs_info;
pub(crate) mod list;
pub(crate) mod pull;
pub(crate) mod remove;
pub(crate) mod status;

impl From<imagestore::Error> for Error {
    fn from(error: imagestore::Error) -> Self {
        let (kind, what) = match error.kind() {
            imagestore::Kind::Invalid => (Kind::Invalid, "image"),
            imagestore::Kind::NotFound => (Kind::NotFound, "image"),
            imagestore::Kind::Unauthenticated => (Kind::Unauthenticated, "image"),
            imagestore::Kind::Denied => (Kind::Denied, "image"),
            // kubelet looks for this word at the start of the text.
            imagestore::Kind::RegistryUnavailable => (Kind::PullKnown, "RegistryUnavailable"),
            imagestore::Kind::TooManyRequests => (Kind::Exhausted, "image"),
            imagestore::Kind::DigestMismatch => (Kind::WrongState, "image"),
            imagestore::Kind::Exhausted => (Kind::Exhausted, "image"),
            imagestore::Kind::Corrupt => (Kind::Corrupt, "image"),
            imagestore::Kind::Internal => (Kind::Internal, "image"),
        };
        Error::caused(kind, what, error)
    }
}

/// The image a container asks for, which must be here already.
pub(crate) fn of_container(cx: &Ctx, config: &cri::ContainerConfig) -> Result<Arc<Image>> {
    let asked = config.image.as_ref().map(|image| image.image.as_str()).unwrap_or_default();
    if asked.is_empty() {
        return Err(Error::invalid("container config: the image is empty"));
    }
    cx.images
        .get(asked)?
        .ok_or_else(|| Error::not_found(format!("image {asked:?}: not on this node; pull it first")))
}

/// The name the user wrote, where the client tells it, else the one it asks by.
pub(crate) fn shown(asked: &cri::ImageSpec) -> &str {
    if asked.user_specified_image.is_empty() { &asked.image } else { &asked.user_specified_image }
}

/// The image's layers as records have them, uppermost first.
pub(crate) fn layers_of(image: &Image) -> Vec<String> {
    image.layers.iter().rev().map(ToString::to_string).collect()
}

/// How a container's status names its image, so that a user can tell which one ran wherever it came from: by the digest it
/// was pulled by, from the repository its author wrote if there are several. Empty for an image that was never pulled.
pub(crate) fn pulled_as(image: &Image, config: &cri::ContainerConfig) -> String {
    let name = config.image.as_ref().map(shown).unwrap_or_default();
    let repository = Reference::parse(name).map(|reference| reference.repository()).unwrap_or_default();
    let from = |digest: &&String| digest.split_once('@').is_some_and(|(before, _)| before == repository);
    image.digests.iter().find(from).or(image.digests.first()).cloned().unwrap_or_default()
}

/// The layers below containers that exist, and those of their volumes: image removal leaves them alone.
pub(crate) fn layers_in_use(cx: &Ctx) -> HashSet<DiffId> {
    let containers = cx.store.containers();
    let records = containers.iter().map(|container| container.record());
    records
        .filter(|record| record.state() != record::State::Removing)
        .flat_map(|record| {
            let volumes = record.volume_images.iter().flat_map(|image| image.layers.clone());
            record.layers.iter().cloned().chain(volumes).collect::<Vec<_>>()
        })
        .filter_map(|layer| layer.parse().ok().map(DiffId))
        .collect()
}

/// Deletes the layers of images that were removed while `gone`, a container that is no more, still used them.
pub(crate) fn collect(cx: &Ctx, gone: &record::Container) -> Result<()> {
    let mut images = gone.volume_images.iter().map(|image| &image.image_id).chain([&gone.image_id]);
    if images.all(|id| id.is_empty() || cx.images.get(id).is_ok_and(|image| image.is_some())) {
        return Ok(());
    }
    cx.images.gc(&layers_in_use(cx))?;
    Ok(())
}

/// An image as CRI shows it.
pub(crate) fn cri_image(image: &Image) -> cri::Image {
    let user = image.config.user.split(':').next().unwrap_or_default();
    let uid = if user.is_empty() { Some(0) } else { user.parse::<i64>().ok() };
    cri::Image {
        id: image.id.to_string(),
        repo_tags: image.tags.clone(),
        repo_digests: image.digests.clone(),
        size: image.size_bytes,
        uid: uid.map(|value| cri::Int64Value { value }),
        username: if uid.is_some() { String::new() } else { user.to_owned() },
        spec: Some(cri::ImageSpec { image: image.id.to_string(), ..cri::ImageSpec::default() }),
        pinned: image.pinned.is_some(),
    }
}
