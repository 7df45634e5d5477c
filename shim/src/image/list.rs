//! ListImages: from memory.
use proto::cri;

use super::cri_image;
use crate::{ctx::Ctx, error::Result};

pub(crate) fn list(cx: &Ctx, filter: Option<cri::ImageFilter>) -> Result<Vec<cri::Image>> {
    let wanted = filter.and_then(|filter| filter.image).map(|image| image.image).unwrap_or_default();
    if wanted.is_empty() {
        return Ok(cx.images.list().iter().map(|image| cri_image(image)).collect());
    }
    Ok(cx.images.get(&wanted)?.iter().map(|image| cri_image(image)).collect())
}
