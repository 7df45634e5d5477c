//! An image, in full.

use proto::cri::{ImageSpec, ImageStatusRequest};
use serde_json::{Value, json};

use super::info_of;
use crate::{
    client::Client,
    failure::{Doing, Result},
};

/// `None` if there is none of that name.
pub(super) async fn inspect(client: &mut Client, name: &str) -> Result<Option<Value>> {
    let image = Some(ImageSpec { image: name.to_owned(), ..ImageSpec::default() });
    let answer = client.images.image_status(ImageStatusRequest { image, verbose: true }).await;
    let answer = answer.doing(format_args!("look at image {name}"))?.into_inner();
    Ok(answer.image.map(|image| {
        json!({
            "kind": "image",
            "id": image.id,
            "tags": image.repo_tags,
            "digests": image.repo_digests,
            "size_bytes": image.size,
            "user": image.uid.map_or(image.username, |uid| uid.value.to_string()),
            "pinned": image.pinned,
            "info": info_of(&answer.info),
        })
    }))
}
