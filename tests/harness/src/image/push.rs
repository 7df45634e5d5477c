//! Puts images into a registry over its HTTP API.

use super::{Image, Layer, Manifest, digest};
use crate::{
    Doing, Registry, Result,
    http::{self, expect},
};

/// Where an image went.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// `host:port/repository:tag`.
    pub reference: String,
    /// `host:port/repository@sha256:…`, of the manifest or index.
    pub by_digest: String,
    /// Digest of the manifest or index.
    pub digest: String,
    /// The image's id.
    pub id: String,
}

impl Registry {
    /// Pushes layers, configuration and manifest, and points `repository:tag` to it.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn push(&self, repository: &str, tag: &str, image: &Image) -> Result<Pushed> {
        self.push_parts(repository, image)?;
        let digest = self.push_manifest(repository, tag, &image.manifest())?;
        Ok(self.pushed(repository, tag, digest, image.id()))
    }

    /// Pushes images and an index over them; the id is that of the one for this machine.
    ///
    /// # Errors
    /// When the registry refuses, or no image is for this machine.
    pub fn push_index(&self, repository: &str, tag: &str, images: &[&Image]) -> Result<Pushed> {
        for image in images {
            self.push_parts(repository, image)?;
            let manifest = image.manifest();
            self.push_manifest(repository, &manifest.digest(), &manifest)?;
        }
        let native = images.iter().find(|image| image.architecture == super::native_architecture());
        let native = native.doing(|| "find the image of this machine in an index".to_owned())?;
        let digest = self.push_manifest(repository, tag, &Manifest::index(native.format, images))?;
        Ok(self.pushed(repository, tag, digest, native.id()))
    }

    /// Points `repository:tag` to a manifest, whatever it says.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn push_manifest(&self, repository: &str, tag: &str, manifest: &Manifest) -> Result<String> {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let kind = [("Content-Type", manifest.media_type.as_str())];
        let answer =
            http::request(self.address(), "PUT", &path, &self.with_login_header(&kind), &manifest.bytes)?;
        expect(answer, &[201], || format!("push manifest {path}"))?;
        Ok(manifest.digest())
    }

    /// Stores bytes under their digest.
    ///
    /// # Errors
    /// When the registry refuses.
    pub fn push_blob(&self, repository: &str, bytes: &[u8]) -> Result<String> {
        let digest = digest(bytes);
        let there = format!("/v2/{repository}/blobs/{digest}");
        if http::request(self.address(), "HEAD", &there, &self.with_login_header(&[]), &[])?.status == 200 {
            return Ok(digest);
        }
        let uploads = format!("/v2/{repository}/blobs/uploads/");
        let answer = http::request(self.address(), "POST", &uploads, &self.with_login_header(&[]), &[])?;
        let answer = expect(answer, &[202], || format!("begin an upload to {repository}"))?;
        let location = answer.header("location").doing(|| "find where to upload".to_owned())?;
        let path = location.split_once("/v2/").map_or(location.to_owned(), |(_, rest)| format!("/v2/{rest}"));
        let path = format!("{path}{}digest={digest}", if path.contains('?') { '&' } else { '?' });
        let kind = [("Content-Type", "application/octet-stream")];
        let answer = http::request(self.address(), "PUT", &path, &self.with_login_header(&kind), bytes)?;
        expect(answer, &[201], || format!("upload {digest} to {repository}"))?;
        Ok(digest)
    }

    fn push_parts(&self, repository: &str, image: &Image) -> Result {
        for Layer { bytes, .. } in &image.layers {
            self.push_blob(repository, bytes)?;
        }
        self.push_blob(repository, &image.config_bytes()).map(drop)
    }

    fn pushed(&self, repository: &str, tag: &str, digest: String, id: String) -> Pushed {
        let name = format!("{}/{repository}", self.address());
        Pushed { reference: format!("{name}:{tag}"), by_digest: format!("{name}@{digest}"), digest, id }
    }
}
