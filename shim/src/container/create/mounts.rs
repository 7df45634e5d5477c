//! The host side of a container's mounts: symlinks followed once, existence checked, image volumes found.
use std::path::{Path, PathBuf};

use proto::cri;

use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
};

/// One entry for each of `mounts`, in the same order.
pub(super) fn resolve(cx: &Ctx, mounts: &[cri::Mount]) -> Result<Vec<spec::ResolvedMount>> {
    mounts
        .iter()
        .map(|mount| {
            let host_path = match mount.image.as_ref().filter(|image| !image.image.is_empty()) {
                Some(image) => image_volume(cx, mount, image)?,
                None => host_path(Path::new(&mount.host_path), &mount.container_path)?,
            };
            Ok(spec::ResolvedMount { host_path })
        })
        .collect()
}

fn host_path(path: &Path, destination: &str) -> Result<PathBuf> {
    if !path.is_absolute() {
        return Err(Error::invalid(format!("mount at {destination:?}: host path {path:?} is not absolute")));
    }
    // What the path means now is what is mounted: later changes of a symlink on the way change nothing.
    sys::host_path::resolve(path).map_err(|error| {
        Error::caused(
            Kind::Invalid,
            format!("mount at {destination:?}: host path {path:?}; create it on the node first"),
            error,
        )
    })
}

/// An image as a read-only volume. One layer is mounted as it is; several need a mounted overlay, which is not built yet.
fn image_volume(cx: &Ctx, mount: &cri::Mount, asked: &cri::ImageSpec) -> Result<PathBuf> {
    let image = cx.images.get(&asked.image)?.ok_or_else(|| {
        Error::not_found(format!(
            "image volume {:?}: the image is not on this node; pull it first",
            asked.image
        ))
    })?;
    let [layer] = image.layers.as_slice() else {
        return Err(Error::new(
            Kind::Unsupported,
            format!("image volume {:?}: images of several layers cannot be mounted yet", asked.image),
        ));
    };
    let root = cx.images.layer_dir(layer);
    if mount.image_sub_path.is_empty() {
        return Ok(root);
    }
    sys::host_path::resolve_in_root(&root, Path::new(&mount.image_sub_path)).map_err(|error| {
        Error::caused(
            Kind::Invalid,
            format!("image volume {:?}: no sub path {:?} in the image", asked.image, mount.image_sub_path),
            error,
        )
    })
}
