//! The verbs of images.

use proto::cri::{
    AuthConfig, FilesystemUsage, Image, ImageFilter, ImageFsInfoRequest, ImageSpec, ImageStatusRequest,
    ListImagesRequest, PullImageRequest, RemoveImageRequest,
};
use tonic::Status;

use super::Client;

impl Client {
    /// PullImage without credentials; gives the image's id.
    ///
    /// # Errors
    /// The server's status; so for all that follow.
    pub async fn pull(&self, image: &str) -> Result<String, Status> {
        self.pull_with(image, None).await
    }

    /// PullImage with credentials.
    ///
    /// # Errors
    /// As above.
    pub async fn pull_with(&self, image: &str, auth: Option<AuthConfig>) -> Result<String, Status> {
        let request = PullImageRequest { image: Some(spec(image)), auth, sandbox_config: None };
        Ok(self.image_service().pull_image(request).await?.into_inner().image_ref)
    }

    /// ImageStatus; `None` when there is no such image.
    ///
    /// # Errors
    /// As above.
    pub async fn image(&self, image: &str) -> Result<Option<Image>, Status> {
        let request = ImageStatusRequest { image: Some(spec(image)), verbose: false };
        Ok(self.image_service().image_status(request).await?.into_inner().image)
    }

    /// All images.
    ///
    /// # Errors
    /// As above.
    pub async fn images(&self) -> Result<Vec<Image>, Status> {
        Ok(self.image_service().list_images(ListImagesRequest { filter: None }).await?.into_inner().images)
    }

    /// Images by reference.
    ///
    /// # Errors
    /// As above.
    pub async fn images_named(&self, image: &str) -> Result<Vec<Image>, Status> {
        let filter = Some(ImageFilter { image: Some(spec(image)) });
        Ok(self.image_service().list_images(ListImagesRequest { filter }).await?.into_inner().images)
    }

    /// RemoveImage.
    ///
    /// # Errors
    /// As above.
    pub async fn remove_image(&self, image: &str) -> Result<(), Status> {
        self.image_service().remove_image(RemoveImageRequest { image: Some(spec(image)) }).await.map(drop)
    }

    /// ImageFsInfo: the file system images are on.
    ///
    /// # Errors
    /// As above, and when a good answer has none.
    pub async fn image_fs(&self) -> Result<FilesystemUsage, Status> {
        Ok(self.file_systems().await?.0)
    }

    /// ImageFsInfo: the first file system of images and the first of containers.
    ///
    /// # Errors
    /// As above, and when a good answer lacks one.
    pub async fn file_systems(&self) -> Result<(FilesystemUsage, FilesystemUsage), Status> {
        let response = self.image_service().image_fs_info(ImageFsInfoRequest {}).await?.into_inner();
        let (images, containers) = (response.image_filesystems, response.container_filesystems);
        images
            .into_iter()
            .next()
            .zip(containers.into_iter().next())
            .ok_or_else(|| Status::internal("ImageFsInfo without file systems"))
    }
}

fn spec(image: &str) -> ImageSpec {
    ImageSpec { image: image.to_owned(), ..Default::default() }
}
