//! The host side of a container's mounts: symlinks followed once, existence checked, image volumes found.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use imagestore::{Image, Place};
use proto::{cri, record};

use crate::{
    ctx::Ctx,
    error::{Error, Kind, Result},
    image,
};

/// What kubelet looks for at the start of the text when an image cannot be mounted.
const REFUSED: &str = "ImageVolumeMountFailed";

/// An image among the mounts, kept from removal until the record names its layers.
#[derive(Debug)]
pub(super) struct ImageMount {
    /// Its place in the list of mounts.
    index: usize,
    image: Arc<Image>,
    _held: imagestore::Hold,
}

impl ImageMount {
    pub(super) fn record(&self) -> record::VolumeImage {
        record::VolumeImage {
            mount: u32::try_from(self.index).unwrap_or(u32::MAX),
            image_id: self.image.id.to_string(),
            layers: image::layers_of(&self.image),
        }
    }
}

/// The images among `mounts`, which must be here already.
pub(super) fn images(cx: &Ctx, mounts: &[cri::Mount]) -> Result<Vec<ImageMount>> {
    let asked = mounts.iter().enumerate().filter_map(|(index, mount)| Some((index, mount.image.as_ref()?)));
    asked
        .filter(|(_, asked)| !asked.image.is_empty())
        .map(|(index, asked)| {
            let found = cx.images.get(&asked.image).map_err(|error| Error::from(error).within(REFUSED))?;
            let image = found.ok_or_else(|| {
                Error::not_found(format!(
                    "{REFUSED}: image volume {:?}: the image is not on this node; pull it first",
                    asked.image
                ))
            })?;
            let held = cx.images.hold(&image);
            Ok(ImageMount { index, image, _held: held })
        })
        .collect()
}

/// One entry for each of `mounts`, in the same order.
pub(super) fn resolve(
    cx: &Ctx,
    mounts: &[cri::Mount],
    images: &[ImageMount],
) -> Result<Vec<spec::ResolvedMount>> {
    mounts
        .iter()
        .enumerate()
        .map(|(index, mount)| match images.iter().find(|image| image.index == index) {
            Some(image) => image_volume(cx, mount, &image.image),
            None => {
                let host_path = host_path(Path::new(&mount.host_path), &mount.container_path)?;
                Ok(spec::ResolvedMount { host_path, ..spec::ResolvedMount::default() })
            }
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

/// An image as a read-only volume: the layers' parts of the directory, which the monitor stacks.
fn image_volume(cx: &Ctx, mount: &cri::Mount, image: &Image) -> Result<spec::ResolvedMount> {
    let name = mount.image.as_ref().map(|asked| asked.image.as_str()).unwrap_or_default();
    let what = format!("{REFUSED}: image volume {name:?}");
    let found = cx.images.locate(image, &mount.image_sub_path);
    match found.map_err(|error| Error::from(error).within(&what))? {
        None => {
            let sub_path = &mount.image_sub_path;
            Err(Error::invalid(format!(
                "{what}: there is no {sub_path:?} in the image; correct image_sub_path"
            )))
        }
        Some(Place::File(host_path)) => Ok(spec::ResolvedMount { host_path, lower_dirs: Vec::new() }),
        Some(Place::Directory(mut lower_dirs)) => {
            // overlayfs takes no single directory; and bound as it is, a layer would show its marks of deleted files.
            if lower_dirs.len() < 2 {
                lower_dirs.push(cx.layout.empty());
            }
            let host_path = lower_dirs.first().cloned().unwrap_or_default();
            // An image without any layer is that empty directory alone, and that is bound.
            if lower_dirs.len() == 1 {
                lower_dirs.clear();
            }
            Ok(spec::ResolvedMount { host_path, lower_dirs })
        }
    }
}
