//! Images made from nothing but this code and a static busybox, in every form a registry serves.

mod busybox;
mod layer;
mod push;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use self::{
    busybox::busybox,
    layer::{Compression, Layer, LayerBuilder},
    push::Pushed,
};

/// How manifest, configuration and layers are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// OCI image specification 1.x.
    #[default]
    Oci,
    /// Docker image manifest version 2, schema 2.
    Docker,
}

/// An image under construction: layers and the configuration.
#[derive(Debug, Clone)]
pub struct Image {
    format: Format,
    layers: Vec<Layer>,
    architecture: String,
    config: serde_json::Map<String, Value>,
}

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl Image {
    /// No layers, no command, this machine's architecture.
    pub fn new() -> Self {
        let config = json!({ "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] });
        let Value::Object(config) = config else { unreachable!("written as an object") };
        Self {
            format: Format::Oci,
            layers: Vec::new(),
            architecture: native_architecture().to_owned(),
            config,
        }
    }

    /// In Docker's or OCI's words.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// One more layer on top.
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Says it is for another architecture.
    #[must_use]
    pub fn architecture(mut self, architecture: &str) -> Self {
        architecture.clone_into(&mut self.architecture);
        self
    }

    /// Sets a field of the configuration by its name in the specification: "User", "Env", "Entrypoint", "Cmd",
    /// "WorkingDir", "StopSignal", "Volumes", "Labels", "ExposedPorts".
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.config.insert(field.to_owned(), value);
        self
    }

    /// The configuration's bytes; their digest is the image's id.
    pub fn config_bytes(&self) -> Vec<u8> {
        let diff_ids: Vec<&str> = self.layers.iter().map(|layer| layer.diff_id.as_str()).collect();
        let config = json!({
            "architecture": self.architecture,
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": [],
        });
        config.to_string().into_bytes()
    }

    /// The image's id: the digest of its configuration.
    pub fn id(&self) -> String {
        digest(&self.config_bytes())
    }

    /// The manifest that names the configuration and the layers.
    pub fn manifest(&self) -> Manifest {
        let config = self.config_bytes();
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|layer| {
                json!({
                    "mediaType": layer.media_type(self.format),
                    "digest": layer.digest,
                    "size": layer.bytes.len(),
                })
            })
            .collect();
        let media_type = match self.format {
            Format::Oci => "application/vnd.oci.image.manifest.v1+json",
            Format::Docker => "application/vnd.docker.distribution.manifest.v2+json",
        };
        let config_type = match self.format {
            Format::Oci => "application/vnd.oci.image.config.v1+json",
            Format::Docker => "application/vnd.docker.container.image.v1+json",
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": { "mediaType": config_type, "digest": digest(&config), "size": config.len() },
            "layers": layers,
        });
        Manifest { media_type: media_type.to_owned(), bytes: manifest.to_string().into_bytes() }
    }
}

/// A document a tag can point to.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Media type.
    pub media_type: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl Manifest {
    /// The digest by which it can be pulled.
    pub fn digest(&self) -> String {
        digest(&self.bytes)
    }

    /// An index (or Docker's manifest list) of images for several platforms, in this order.
    pub fn index(format: Format, images: &[&Image]) -> Self {
        let media_type = match format {
            Format::Oci => "application/vnd.oci.image.index.v1+json",
            Format::Docker => "application/vnd.docker.distribution.manifest.list.v2+json",
        };
        let manifests: Vec<Value> = images
            .iter()
            .map(|image| {
                let manifest = image.manifest();
                json!({
                    "mediaType": manifest.media_type,
                    "digest": manifest.digest(),
                    "size": manifest.bytes.len(),
                    "platform": { "architecture": image.architecture, "os": "linux" },
                })
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests });
        Self { media_type: media_type.to_owned(), bytes: index.to_string().into_bytes() }
    }
}

/// "sha256:" and 64 hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// This machine, in the words of image specifications.
pub fn native_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Any architecture but this machine's.
pub fn foreign_architecture() -> &'static str {
    if native_architecture() == "arm64" { "amd64" } else { "arm64" }
}
