//! Images made up for tests: layers of files, configs, manifests, indexes.

use std::io::Write as _;

use imagestore::Digest;
use serde_json::{Value, json};

use crate::fake::Content;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// One layer, packed.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) media_type: String,
    pub(crate) packed: Vec<u8>,
    pub(crate) diff_id: Digest,
}

/// A tar under construction.
pub(crate) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(1_600_000_000);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    pub(crate) fn file(mut self, path: &str, content: &[u8]) -> Self {
        let mut header = Self::header(tar::EntryType::Regular, 0o644, content.len() as u64);
        self.0.append_data(&mut header, path, content).unwrap();
        self
    }

    pub(crate) fn dir(mut self, path: &str, mode: u32, owner: u64) -> Self {
        let mut header = Self::header(tar::EntryType::Directory, mode, 0);
        header.set_uid(owner);
        header.set_gid(owner);
        self.0.append_data(&mut header, path, std::io::empty()).unwrap();
        self
    }

    pub(crate) fn link(mut self, kind: tar::EntryType, path: &str, target: &str) -> Self {
        let mut header = Self::header(kind, 0o777, 0);
        self.0.append_link(&mut header, path, target).unwrap();
        self
    }

    pub(crate) fn fifo(mut self, path: &str) -> Self {
        let mut header = Self::header(tar::EntryType::Fifo, 0o644, 0);
        self.0.append_data(&mut header, path, std::io::empty()).unwrap();
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    pub(crate) fn gzip(self) -> Layer {
        let tar = self.bytes();
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&tar).unwrap();
        Layer {
            media_type: LAYER_GZIP.to_owned(),
            packed: packer.finish().unwrap(),
            diff_id: Digest::of(&tar),
        }
    }

    pub(crate) fn zstd(self) -> Layer {
        let tar = self.bytes();
        let media_type = "application/vnd.oci.image.layer.v1.tar+zstd".to_owned();
        Layer { media_type, packed: zstd::encode_all(&tar[..], 1).unwrap(), diff_id: Digest::of(&tar) }
    }

    pub(crate) fn plain(self) -> Layer {
        let tar = self.bytes();
        let media_type = "application/vnd.oci.image.layer.v1.tar".to_owned();
        Layer { media_type, diff_id: Digest::of(&tar), packed: tar }
    }
}

/// `size` bytes that do not compress.
pub(crate) fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// An image before it is in a registry.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) layers: Vec<Layer>,
    pub(crate) config: Value,
    pub(crate) manifest: Value,
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
}

impl Image {
    pub(crate) fn new(layers: Vec<Layer>) -> Self {
        let diff_ids: Vec<String> = layers.iter().map(|layer| layer.diff_id.to_string()).collect();
        let config = json!({
            "os": "linux", "architecture": imagestore::Platform::host().architecture,
            "config": {"User": "1000:1000", "Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {"a": "b"}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let mut image = Self { layers, config, manifest: Value::Null };
        image.remake();
        image
    }

    /// Makes the manifest anew after a change of config or layers.
    pub(crate) fn remake(&mut self) {
        let layers: Vec<Value> =
            self.layers.iter().map(|layer| descriptor(&layer.media_type, &layer.packed)).collect();
        let config = descriptor("application/vnd.oci.image.config.v1+json", &self.config_bytes());
        self.manifest =
            json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers});
    }

    pub(crate) fn config_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.config).unwrap()
    }

    pub(crate) fn manifest_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.manifest).unwrap()
    }

    pub(crate) fn id(&self) -> Digest {
        Digest::of(&self.config_bytes())
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.manifest_bytes())
    }

    /// Puts everything but the name into a registry.
    pub(crate) fn put_parts(&self, content: &mut Content, repository: &str) {
        let mut blob = |bytes: Vec<u8>| {
            let path = format!("/v2/{repository}/blobs/{}", Digest::of(&bytes));
            content.0.insert(path, ("application/octet-stream".to_owned(), bytes));
        };
        blob(self.config_bytes());
        for layer in &self.layers {
            blob(layer.packed.clone());
        }
        put_manifest(content, repository, None, OCI_MANIFEST, self.manifest_bytes());
    }

    pub(crate) fn put(&self, content: &mut Content, repository: &str, tag: &str) {
        self.put_parts(content, repository);
        put_manifest(content, repository, Some(tag), OCI_MANIFEST, self.manifest_bytes());
    }

    /// A registry with only this image as `app:1`.
    pub(crate) fn alone(&self) -> Content {
        let mut content = Content::default();
        self.put(&mut content, "app", "1");
        content
    }
}

pub(crate) fn put_manifest(
    content: &mut Content,
    repository: &str,
    tag: Option<&str>,
    media_type: &str,
    bytes: Vec<u8>,
) {
    let name = tag.map_or_else(|| Digest::of(&bytes).to_string(), str::to_owned);
    if tag.is_some() {
        put_manifest(content, repository, None, media_type, bytes.clone());
    }
    content.0.insert(format!("/v2/{repository}/manifests/{name}"), (media_type.to_owned(), bytes));
}

/// A small image whose files tell it apart from others.
pub(crate) fn small(seed: &str) -> Image {
    let base = Tar::new().dir("etc", 0o755, 0).file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n").gzip();
    let top = Tar::new().file("seed", seed.as_bytes()).gzip();
    Image::new(vec![base, top])
}
