//! Manifests and indexes: foreign JSON in, a typed and bounded document out; nothing here does I/O.
//!
//! Only what a pull needs is read; unknown fields and annotations are skipped, so a document of
//! tomorrow still parses. What is read is read strictly: digests, sizes and counts are checked here, once.
//! The kind of a document comes from its body; its `mediaType` field and the Content-Type it came
//! with must not contradict it (CVE-2021-41190: one digest, two meanings).

use serde::Deserialize;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::platform::Platform;

mod choose;

pub(crate) use choose::choose;

/// Largest manifest, index or image config: distribution's limit for manifests.
pub const DOCUMENT_MAX_BYTES: u64 = 4 << 20;
/// Largest number of layers: overlayfs stacks 500 (`OVL_MAX_STACK`).
pub const LAYERS_MAX: usize = 500;
/// Largest number of entries of an index.
const ENTRIES_MAX: usize = 10_000;
/// Largest size a descriptor may promise; also keeps sums far from overflow.
const SIZE_MAX: u64 = 1 << 42;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// The Accept header of a manifest request.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A pointer to content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// One entry of an index.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) target: Descriptor,
    pub(crate) platform: Option<Platform>,
}

/// What a manifest digest can name.
#[derive(Debug)]
pub(crate) enum Document {
    /// One image.
    Image(Manifest),
    /// A choice of images.
    Index(Vec<Entry>),
}

/// One image: its config and its layers, lowest first.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDocument {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    manifests: Option<Vec<RawDescriptor>>,
    fs_layers: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: i64,
    #[serde(default)]
    urls: Option<Vec<String>>,
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
}

/// Parses `bytes`, which are already verified; `what` names them in errors.
pub(crate) fn parse(what: &str, bytes: &[u8]) -> Result<Document> {
    parse_body(bytes).map_err(|why| Error::Document { what: what.to_owned(), why })
}

fn parse_body(bytes: &[u8]) -> std::result::Result<Document, String> {
    let raw: RawDocument = json(bytes)?;
    if raw.schema_version == Some(1) || raw.fs_layers.is_some() {
        return Err(
            "schema 1 manifests are not supported: push the image again with a current tool".to_owned()
        );
    }
    if raw.schema_version != Some(2) {
        return Err("schemaVersion is not 2".to_owned());
    }
    let named = raw.media_type.as_deref().unwrap_or_default();
    match (raw.config, raw.layers, raw.manifests) {
        (None, None, Some(entries)) => {
            if !matches!(named, "" | OCI_INDEX | DOCKER_LIST) {
                return Err(format!("an index calls itself {named:?}"));
            }
            index(entries)
        }
        (Some(config), Some(layers), None) => {
            if !matches!(named, "" | OCI_MANIFEST | DOCKER_MANIFEST) {
                return Err(format!("a manifest calls itself {named:?}"));
            }
            image(config, layers)
        }
        (_, _, Some(_)) => Err("it is both an index and a manifest".to_owned()),
        (None, _, None) => Err("it has no config".to_owned()),
        (Some(_), None, None) => Err("it has no layers".to_owned()),
    }
}

/// JSON with all of it UTF-8, nothing after it, no known field twice, at most 128 levels deep (serde_json's limit).
pub(crate) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> std::result::Result<T, String> {
    if bytes.len() as u64 > DOCUMENT_MAX_BYTES {
        return Err(format!("it is larger than {DOCUMENT_MAX_BYTES} bytes"));
    }
    // serde_json skips over unknown strings without looking into them.
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    serde_json::from_str(text).map_err(|e| format!("bad JSON: {e}"))
}

fn index(entries: Vec<RawDescriptor>) -> std::result::Result<Document, String> {
    if entries.len() > ENTRIES_MAX {
        return Err(format!("an index of more than {ENTRIES_MAX} entries"));
    }
    let entry = |mut raw: RawDescriptor| {
        let platform = raw.platform.take();
        Ok(Entry {
            target: descriptor(raw, "an entry")?,
            platform: platform
                .map(|p| Platform::new(&p.os, &p.architecture, p.variant.as_deref().unwrap_or_default())),
        })
    };
    // An entry for another machine may be of any kind, even with a digest we cannot check: skip it.
    let readable =
        entries.into_iter().map(entry).filter_map(|e: std::result::Result<_, String>| e.ok()).collect();
    Ok(Document::Index(readable))
}

fn image(config: RawDescriptor, layers: Vec<RawDescriptor>) -> std::result::Result<Document, String> {
    if layers.len() > LAYERS_MAX {
        return Err(format!(
            "{} layers, more than the {LAYERS_MAX} that overlayfs can stack: squash the image",
            layers.len()
        ));
    }
    let config = descriptor(config, "the config")?;
    if config.size > DOCUMENT_MAX_BYTES {
        return Err(format!("a config of {} bytes, more than {DOCUMENT_MAX_BYTES}", config.size));
    }
    let layers = layers.into_iter().map(layer).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(Document::Image(Manifest { config, layers }))
}

fn layer(raw: RawDescriptor) -> std::result::Result<Descriptor, String> {
    if raw.urls.as_ref().is_some_and(|urls| !urls.is_empty()) || raw.media_type.contains(".foreign.") {
        return Err("a foreign layer, to be fetched from elsewhere, is refused".to_owned());
    }
    let layer = descriptor(raw, "a layer")?;
    match is_tar(&layer.media_type) {
        true => Ok(layer),
        false => {
            Err(format!("layer type {:?} is not a file system: this is no container image", layer.media_type))
        }
    }
}

/// The compression named here is a hint nobody needs: the unpacker looks at the bytes.
fn is_tar(media_type: &str) -> bool {
    const FAMILIES: [&str; 3] = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.docker.image.rootfs.diff.tar",
    ];
    FAMILIES.iter().any(|family| {
        media_type
            .strip_prefix(family)
            .is_some_and(|suffix| matches!(suffix, "" | "+gzip" | "+zstd" | ".gzip" | ".zstd"))
    })
}

fn descriptor(raw: RawDescriptor, which: &str) -> std::result::Result<Descriptor, String> {
    let digest = raw.digest.parse().map_err(|e| format!("the digest of {which}: {e}"))?;
    let size = u64::try_from(raw.size).ok().filter(|size| *size <= SIZE_MAX);
    let size = size.ok_or_else(|| format!("the size of {which} is {}", raw.size))?;
    if raw.media_type.len() > 255 {
        return Err(format!("the media type of {which} is longer than 255 characters"));
    }
    Ok(Descriptor { media_type: raw.media_type, digest, size })
}

#[cfg(test)]
mod tests;
