//! What is mounted into a container, in order.

use proto::cri;

use crate::{
    error::{Result, SpecError},
    input::ImageFacts,
};

/// Where the daemon should make volumes for the image's `VOLUME`s: those that no CRI mount already covers, cleaned.
///
/// # Errors
/// A volume that climbs, or that lies over `/`, `/proc`, `/sys` or `/dev`.
pub fn image_volumes(_container: &cri::ContainerConfig, _image: &ImageFacts) -> Result<Vec<String>> {
    Err(SpecError::unsupported("volumes", "not built yet", "wait"))
}
