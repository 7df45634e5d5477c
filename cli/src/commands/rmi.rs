//! `berth rmi`: removes images.

use proto::cri::{ImageSpec, ImageStatusRequest, RemoveImageRequest};

use super::Node;
use crate::{
    failure::{Doing, Failure, OrTry, Result},
    output,
};

/// Remove images
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth rmi alpine
  berth rmi 0123456789ab          by the beginning of its id; all its names go
  berth rmi $(berth images -q)    all of them")]
pub(crate) struct Args {
    /// Name, digest or id
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub(crate) async fn run(node: &Node, args: &Args) -> Result {
    let mut client = node.connect().await?;
    for name in &args.images {
        let spec = Some(ImageSpec { image: name.clone(), ..ImageSpec::default() });
        let request = ImageStatusRequest { image: spec.clone(), verbose: false };
        let found = client.images.image_status(request).await.doing(format_args!("find image {name}"))?;
        if found.into_inner().image.is_none() {
            return Err(
                Failure::new(format!("no image is called {name:?}")).or_try("`berth images` shows all")
            );
        }
        let removed = client.images.remove_image(RemoveImageRequest { image: spec }).await;
        removed
            .doing(format_args!("remove image {name}"))
            .or_try("`berth ps -a`: a container may still use it")?;
        output::line(name)?;
    }
    Ok(())
}
