//! ImageService: each RPC calls the verb of the same name.
use std::sync::Arc;

use proto::cri::{self, image_service_server::ImageService};
use tonic::{Request, Response, Status};

use super::{
    status::status,
    streams::{self, Streamed},
};
use crate::{ctx::Ctx, error::Result, image};

#[derive(Debug)]
pub(super) struct Images {
    cx: Arc<Ctx>,
}

impl Images {
    pub(super) fn new(cx: Arc<Ctx>) -> Self {
        Self { cx }
    }
}

type Reply<T> = std::result::Result<Response<T>, Status>;

fn reply<T>(verb: &'static str, outcome: Result<T>) -> Reply<T> {
    outcome.map(Response::new).map_err(|error| status(verb, &error))
}

#[tonic::async_trait]
impl ImageService for Images {
    async fn list_images(&self, request: Request<cri::ListImagesRequest>) -> Reply<cri::ListImagesResponse> {
        let outcome = image::list::list(&self.cx, request.into_inner().filter);
        reply("ListImages", outcome.map(|images| cri::ListImagesResponse { images }))
    }

    async fn image_status(
        &self,
        request: Request<cri::ImageStatusRequest>,
    ) -> Reply<cri::ImageStatusResponse> {
        let request = request.into_inner();
        reply("ImageStatus", image::status::status(&self.cx, request.image.as_ref(), request.verbose))
    }

    async fn pull_image(&self, request: Request<cri::PullImageRequest>) -> Reply<cri::PullImageResponse> {
        let request = request.into_inner();
        let outcome = image::pull::pull(&self.cx, request.image, request.auth, None).await;
        reply("PullImage", outcome.map(|image_ref| cri::PullImageResponse { image_ref }))
    }

    async fn remove_image(
        &self,
        request: Request<cri::RemoveImageRequest>,
    ) -> Reply<cri::RemoveImageResponse> {
        let outcome = image::remove::remove(&self.cx, request.into_inner().image).await;
        reply("RemoveImage", outcome.map(|()| cri::RemoveImageResponse {}))
    }

    async fn image_fs_info(&self, _: Request<cri::ImageFsInfoRequest>) -> Reply<cri::ImageFsInfoResponse> {
        reply("ImageFsInfo", image::fs_info::fs_info(&self.cx).await)
    }

    type StreamImagesStream = Streamed<cri::StreamImagesResponse>;
    async fn stream_images(
        &self,
        request: Request<cri::StreamImagesRequest>,
    ) -> Reply<Self::StreamImagesStream> {
        let images = image::list::list(&self.cx, request.into_inner().filter);
        let images = images.map_err(|error| status("StreamImages", &error))?;
        Ok(streams::chunks(images, |images| cri::StreamImagesResponse { images }))
    }
}
