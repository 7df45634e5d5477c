//! RemoveImage: all names of the image. Idempotent. Layers below existing containers stay until those are gone.
use std::sync::Arc;

use proto::cri;

use super::layers_in_use;
use crate::{
    blocking,
    ctx::Ctx,
    error::{Error, Result},
};

pub(crate) async fn remove(cx: &Arc<Ctx>, asked: Option<cri::ImageSpec>) -> Result<()> {
    let reference = asked.map(|spec| spec.image).unwrap_or_default();
    if reference.is_empty() {
        return Err(Error::invalid("remove image: the image is empty"));
    }
    let cx = cx.clone();
    blocking::run("remove an image", move || {
        let in_use = layers_in_use(&cx);
        cx.images.remove(&reference, &in_use)?;
        Ok(())
    })
    .await
}
