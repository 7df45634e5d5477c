//! Image configs: what an image says about its process, parsed and bounded, and the diff_ids of its layers.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::DiffId;
use crate::error::{Error, Result};
use crate::manifest;
use crate::platform::Platform;

/// Largest label, key and value together; a longer one is left out (containerd's limit).
const LABEL_MAX_BYTES: usize = 4096;
/// Largest number of labels kept.
const LABELS_MAX: usize = 1024;
/// Largest number of entries of each other list.
const ENTRIES_MAX: usize = 10_000;

/// How the image wants to be run. All of it is the image author's text: hints, never permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `user`, `uid`, `user:group`, …; empty means root.
    pub user: String,
    /// `NAME=value` lines in order.
    pub env: Vec<String>,
    /// The part of the command line that arguments do not replace.
    pub entrypoint: Vec<String>,
    /// The default arguments, or the whole command line.
    pub cmd: Vec<String>,
    /// Where the process starts; empty means `/`.
    pub working_dir: String,
    /// Paths the author wants as volumes, sorted.
    pub volumes: Vec<String>,
    /// Name or number of the signal for a polite stop; empty means SIGTERM.
    pub stop_signal: String,
    /// Labels; ones over 4 KiB, and those after the first 1,024, are left out.
    pub labels: BTreeMap<String, String>,
    /// `port/protocol`, sorted.
    pub exposed_ports: Vec<String>,
    /// When it was built, RFC 3339 as the author wrote it.
    pub created: Option<String>,
}

/// A parsed config document.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) config: ImageConfig,
    /// `None` if the document is silent.
    pub(crate) platform: Option<Platform>,
    /// Lowest first.
    pub(crate) diff_ids: Vec<DiffId>,
}

#[derive(Deserialize)]
struct RawDocument {
    #[serde(default)]
    os: Option<String>,
    #[serde(default)]
    architecture: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    config: Option<RawConfig>,
    rootfs: Option<RawRootfs>,
}

#[derive(Deserialize)]
struct RawRootfs {
    #[serde(default)]
    diff_ids: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawConfig {
    user: Option<String>,
    env: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    working_dir: Option<String>,
    volumes: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    stop_signal: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
    exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
}

/// Parses `bytes`, which are already verified; `layers` is the number of layers of the manifest.
pub(crate) fn parse(what: &str, bytes: &[u8], layers: usize) -> Result<Parsed> {
    parse_body(bytes, layers).map_err(|why| Error::Document { what: what.to_owned(), why })
}

fn parse_body(bytes: &[u8], layers: usize) -> std::result::Result<Parsed, String> {
    let raw: RawDocument = manifest::json(bytes)?;
    let diff_ids = raw.rootfs.and_then(|rootfs| rootfs.diff_ids);
    let diff_ids = match diff_ids {
        Some(diff_ids) => diff_ids,
        // `null` is how some builders write "none".
        None if layers == 0 => Vec::new(),
        None => return Err("it has no rootfs.diff_ids: this is no container image".to_owned()),
    };
    if diff_ids.len() != layers {
        return Err(format!("{} diff_ids for {layers} layers", diff_ids.len()));
    }
    let diff_ids = diff_ids
        .iter()
        .map(|text| text.parse().map(DiffId).map_err(|e| format!("a diff_id: {e}")))
        .collect::<std::result::Result<_, _>>()?;
    let platform = match (raw.os.as_deref(), raw.architecture.as_deref()) {
        (Some(os), Some(architecture)) if !os.is_empty() && !architecture.is_empty() => {
            Some(Platform::new(os, architecture, raw.variant.as_deref().unwrap_or_default()))
        }
        _ => None,
    };
    let mut config = config(raw.config.unwrap_or_default())?;
    config.created = raw.created.filter(|text| text.len() <= 64);
    Ok(Parsed { config, platform, diff_ids })
}

fn config(raw: RawConfig) -> std::result::Result<ImageConfig, String> {
    Ok(ImageConfig {
        user: word("User", raw.user)?,
        env: words("Env", raw.env)?,
        entrypoint: words("Entrypoint", raw.entrypoint)?,
        cmd: words("Cmd", raw.cmd)?,
        working_dir: word("WorkingDir", raw.working_dir)?,
        volumes: keys("Volumes", raw.volumes)?,
        stop_signal: word("StopSignal", raw.stop_signal)?,
        labels: labels(raw.labels.unwrap_or_default()),
        exposed_ports: keys("ExposedPorts", raw.exposed_ports)?,
        created: None,
    })
}

/// These words end up in C strings: a NUL inside would make the kernel read another word than we checked.
fn word(field: &str, text: Option<String>) -> std::result::Result<String, String> {
    match text {
        Some(text) if text.contains('\0') => Err(format!("{field} has a NUL byte")),
        text => Ok(text.unwrap_or_default()),
    }
}

fn words(field: &str, list: Option<Vec<String>>) -> std::result::Result<Vec<String>, String> {
    let list = list.unwrap_or_default();
    if list.len() > ENTRIES_MAX {
        return Err(format!("{field} has more than {ENTRIES_MAX} entries"));
    }
    list.into_iter().map(|text| word(field, Some(text))).collect()
}

fn keys(
    field: &str,
    map: Option<BTreeMap<String, serde::de::IgnoredAny>>,
) -> std::result::Result<Vec<String>, String> {
    words(field, map.map(|map| map.into_keys().collect()))
}

fn labels(raw: BTreeMap<String, Option<String>>) -> BTreeMap<String, String> {
    raw.into_iter()
        .map(|(key, value)| (key, value.unwrap_or_default()))
        .filter(|(key, value)| key.len() + value.len() <= LABEL_MAX_BYTES)
        .take(LABELS_MAX)
        .collect()
}

#[cfg(test)]
mod tests;
