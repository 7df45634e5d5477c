//! The image's VOLUMEs: a directory of the container's own for each, holding what the image has there.
use std::{fs, os::unix::fs::DirBuilderExt};

use imagestore::Image;
use proto::cri;

use super::input;
use crate::{
    container::Container,
    ctx::Ctx,
    error::{IoContext, Result},
    layout::private_dir,
};

/// Makes them all. They lie below the container's directory and go with it.
pub(super) fn make(
    cx: &Ctx,
    container: &Container,
    config: &cri::ContainerConfig,
    image: &Image,
) -> Result<Vec<spec::ImageVolume>> {
    let wanted = spec::image_volumes(config, &input::facts(config, image))?;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    private_dir(&cx.layout.container_volumes(container.id()))?;
    let make = |(number, destination): (usize, String)| {
        let host_path = cx.layout.container_volume(container.id(), number);
        fs::DirBuilder::new()
            .mode(0o755)
            .create(&host_path)
            .doing(|| format!("make a directory for VOLUME {destination:?} of the image"))?;
        // The umask is not ours to rely on; what the image has there comes with its own mode.
        sys::host_path::set_owner_mode(&host_path, 0, 0, 0o755).map_err(|error| {
            crate::error::Error::caused(crate::error::Kind::Internal, "prepare a VOLUME of the image", error)
        })?;
        cx.images.copy_directory(image, &destination, &host_path)?;
        Ok(spec::ImageVolume { destination, host_path })
    };
    wanted.into_iter().enumerate().map(make).collect()
}
