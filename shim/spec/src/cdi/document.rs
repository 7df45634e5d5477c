//! One CDI file: JSON or YAML in, checked values out.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{is_device, is_kind};

/// Most devices of one file, and most entries of each list in it.
const ENTRIES_MAX: usize = 10_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.json`
    Json,
    /// `.yaml`, `.yml`
    Yaml,
}

/// A file that passed the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// "vendor/class".
    pub(super) kind: String,
    /// For whoever uses any of its devices.
    pub(super) edits: Edits,
    pub(super) devices: BTreeMap<String, Edits>,
}

/// What a device changes in a container. Fields are named as in the CDI specification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Edits {
    pub(super) env: Vec<String>,
    pub(super) device_nodes: Vec<DeviceNode>,
    pub(super) mounts: Vec<Mount>,
    pub(super) hooks: Vec<Ignored>,
    #[serde(rename = "additionalGids", alias = "additionalGIDs")]
    pub(super) additional_gids: Vec<u32>,
    pub(super) net_devices: Vec<Ignored>,
    pub(super) intel_rdt: Option<Ignored>,
}

/// What is there, but not done: that it is there is all that matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct DeviceNode {
    pub(super) path: String,
    pub(super) host_path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) major: Option<i64>,
    pub(super) minor: Option<i64>,
    pub(super) file_mode: Option<u32>,
    pub(super) permissions: String,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Mount {
    pub(super) host_path: String,
    pub(super) container_path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) options: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawDocument {
    cdi_version: String,
    kind: String,
    #[serde(default, rename = "annotations")]
    _annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    devices: Vec<RawDevice>,
    #[serde(default)]
    container_edits: Edits,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawDevice {
    name: String,
    #[serde(default, rename = "annotations")]
    _annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    container_edits: Edits,
}

/// Parses the bytes of one file, which the caller has bounded.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn parse(bytes: &[u8], format: Format) -> Result<Document, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let raw: RawDocument = match format {
        Format::Json => serde_json::from_str(text).map_err(|error| error.to_string())?,
        // Aliases, depth and nodes have the library's limits, so a small file cannot become a large document.
        Format::Yaml => serde_saphyr::from_str(text).map_err(|error| first_line(&error.to_string()))?,
    };
    check_version(&raw.cdi_version)?;
    if !is_kind(&raw.kind) {
        return Err(format!("kind {:?} is not vendor/class", cut(&raw.kind)));
    }
    raw.container_edits.check()?;
    if raw.devices.len() > ENTRIES_MAX {
        return Err(format!("more than {ENTRIES_MAX} devices"));
    }
    let mut devices = BTreeMap::new();
    for device in raw.devices {
        if !is_device(&device.name) {
            return Err(format!("{:?} can be no device's name", cut(&device.name)));
        }
        device.container_edits.check()?;
        if devices.insert(device.name.clone(), device.container_edits).is_some() {
            return Err(format!("two devices {:?}", device.name));
        }
    }
    Ok(Document { kind: raw.kind, edits: raw.container_edits, devices })
}

/// 0.x and 1.x; a field that this program does not know is refused by itself.
fn check_version(version: &str) -> Result<(), String> {
    let numbers: Vec<_> = version.trim_start_matches('v').split('.').map(str::parse::<u32>).collect();
    match numbers[..] {
        [Ok(0 | 1), Ok(_), Ok(_)] => Ok(()),
        _ => Err(format!("cdiVersion {:?} is none this program knows", cut(version))),
    }
}

fn first_line(text: &str) -> String {
    cut(text.lines().next().unwrap_or_default()).to_owned()
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(200).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

impl Edits {
    fn check(&self) -> Result<(), String> {
        for (length, what) in [
            (self.env.len(), "env"),
            (self.device_nodes.len(), "deviceNodes"),
            (self.mounts.len(), "mounts"),
            (self.additional_gids.len(), "additionalGids"),
        ] {
            if length > ENTRIES_MAX {
                return Err(format!("more than {ENTRIES_MAX} {what}"));
            }
        }
        let named = |entry: &&String| entry.split_once('=').is_some_and(|(key, _)| !key.is_empty());
        if let Some(bad) = self.env.iter().find(|entry| !named(entry) || entry.contains('\0')) {
            return Err(format!("env {:?} is not NAME=value", cut(bad)));
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}
