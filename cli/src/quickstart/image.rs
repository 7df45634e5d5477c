//! The image that berth carries: one static program in one layer, packed when it is needed.

use std::io;

use serde_json::json;
use sha2::{Digest, Sha256};

/// demo/demo.rs, as build.rs compiled it.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo"));

pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// Bytes and what they are called.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) digest: String,
    pub(super) bytes: Vec<u8>,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { digest: format!("sha256:{digest}"), bytes }
    }
}

/// What a registry serves of the image.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) manifest: Blob,
    pub(super) blobs: [Blob; 2],
}

/// Packs the program.
pub(super) fn pack() -> io::Result<Image> {
    let layer = Blob::new(layer()?);
    let config = Blob::new(json_bytes(&json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": ["/demo"],
            "Cmd": ["serve"],
            "User": "65532:65532",
            "WorkingDir": "/",
            "ExposedPorts": {"8080/tcp": {}},
            // As process 1 of its namespace the program gets no signal it has no handler for, but this one.
            "StopSignal": "SIGKILL",
        },
        "rootfs": {"type": "layers", "diff_ids": [&layer.digest]},
    })));
    let manifest = Blob::new(json_bytes(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": &config.digest, "size": config.bytes.len()},
        "layers": [{"mediaType": LAYER_TYPE, "digest": &layer.digest, "size": layer.bytes.len()}],
    })));
    Ok(Image { manifest, blobs: [config, layer] })
}

fn json_bytes(value: &serde_json::Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn layer() -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::with_capacity(PROGRAM.len() + 4096));
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o755);
    header.set_size(PROGRAM.len() as u64);
    tar.append_data(&mut header, "demo", PROGRAM)?;
    tar.into_inner()
}

/// As Go names what we are compiled for.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_names_its_parts_by_their_digests() {
        let image = pack().unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
        let [config, layer] = &image.blobs;
        assert_eq!(manifest["config"]["digest"], config.digest);
        assert_eq!(manifest["layers"][0]["digest"], layer.digest);
        assert_eq!(manifest["layers"][0]["size"], layer.bytes.len());
        let config: serde_json::Value = serde_json::from_slice(&config.bytes).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], layer.digest, "the layer is not compressed");
        assert_eq!(pack().unwrap().manifest.digest, image.manifest.digest, "packed the same every time");
    }

    #[test]
    fn the_layer_holds_an_executable() {
        let layer = layer().unwrap();
        let mut archive = tar::Archive::new(layer.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("demo"));
        assert_eq!(entry.header().mode().unwrap(), 0o755);
        assert!(PROGRAM.starts_with(b"\x7fELF"));
    }
}
