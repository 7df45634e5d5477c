//! ImageStatus: from memory. An unknown image is an empty answer, not an error.
use std::collections::HashMap;

use proto::cri;

use super::cri_image;
use crate::{
    ctx::Ctx,
    error::{Error, Result},
};

pub(crate) fn status(
    cx: &Ctx,
    asked: Option<&cri::ImageSpec>,
    verbose: bool,
) -> Result<cri::ImageStatusResponse> {
    let reference = asked.map(|spec| spec.image.as_str()).unwrap_or_default();
    if reference.is_empty() {
        return Err(Error::invalid("image status: the image is empty"));
    }
    let Some(image) = cx.images.get(reference)? else { return Ok(cri::ImageStatusResponse::default()) };
    let info = if verbose { info(&image) } else { HashMap::new() };
    Ok(cri::ImageStatusResponse { image: Some(cri_image(&image)), info })
}

fn info(image: &imagestore::Image) -> HashMap<String, String> {
    let config = &image.config;
    let info = serde_json::json!({
        "manifest": image.manifest.to_string(),
        "layers": image.layers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "pinned": image.pinned,
        "imageSpec": {
            "created": config.created,
            "config": {
                "User": config.user, "Env": config.env, "Entrypoint": config.entrypoint, "Cmd": config.cmd,
                "WorkingDir": config.working_dir, "Volumes": config.volumes, "StopSignal": config.stop_signal,
                "Labels": config.labels, "ExposedPorts": config.exposed_ports,
            },
        },
    });
    HashMap::from([("info".to_owned(), info.to_string())])
}
