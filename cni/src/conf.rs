//! CNI network configurations: the files of a directory, as types.
//!
//! What a file says to its plugins is kept as it was written, byte by byte: we know few of the fields, and the numbers of the
//! others must not change on their way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::{Error, Result},
    ids::NetworkName,
};

/// Largest configuration file; real ones have a few KiB.
const FILE_MAX: u64 = 1 << 20;
/// Most files of a directory that are looked at.
const FILES_MAX: usize = 10_000;
/// Most plugins of a network; real ones have one to five.
const PLUGINS_MAX: usize = 32;
/// Most problems that [`load`] reports: the first ones say enough.
const PROBLEMS_MAX: usize = 16;

/// Versions of the CNI specification we speak, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 0.3.1
    V0_3_1,
    /// 0.4.0: CHECK, and the result handed to DEL.
    V0_4_0,
    /// 1.0.0: no single plugins, no address family in results.
    V1_0_0,
    /// 1.1.0: STATUS, GC.
    V1_1_0,
}

impl Version {
    const ALL: [Self; 4] = [Self::V0_3_1, Self::V0_4_0, Self::V1_0_0, Self::V1_1_0];

    /// As the specification writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_3_1 => "0.3.1",
            Self::V0_4_0 => "0.4.0",
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    /// The version `text` names, if we speak it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A network: plugins to run one after the other.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    pub(crate) name: NetworkName,
    pub(crate) version: Version,
    pub(crate) plugins: Vec<PluginConfig>,
    pub(crate) disable_check: bool,
    pub(crate) disable_gc: bool,
    /// What it was parsed from, for the cache.
    pub(crate) text: String,
}

/// What one plugin of a network is told.
#[derive(Clone, Debug)]
pub(crate) struct PluginConfig {
    /// Name of its file, without a directory.
    pub(crate) kind: String,
    /// Capabilities it declares with `true`.
    pub(crate) capabilities: BTreeSet<String>,
    /// All its fields but those the runtime fills in.
    pub(crate) fields: BTreeMap<String, Box<RawValue>>,
}

/// What [`load`] found.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The network of the first file that holds one.
    pub network: Option<NetworkConfig>,
    /// The file it is from.
    pub path: Option<PathBuf>,
    /// What is wrong with the files before it (at most 16 of them).
    pub problems: Vec<Error>,
}

/// Loads the network of the first file (in the order of their names) that holds one: `*.conflist`, or `*.conf` and `*.json`
/// with a list or a single plugin. A directory that is not there is empty.
///
/// # Errors
/// Only for a directory that cannot be read: a file that cannot is a problem, and the next one counts.
pub fn load(dir: &Path) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    for path in files(dir)? {
        match read(&path) {
            Ok(network) => {
                loaded.network = Some(network);
                loaded.path = Some(path);
                break;
            }
            Err(error) if loaded.problems.len() < PROBLEMS_MAX => {
                let name = path.display().to_string();
                loaded.problems.push(Error::Network { name, source: Box::new(error) });
            }
            Err(_) => {}
        }
    }
    Ok(loaded)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::File {
        what: "read CNI configuration directory",
        path: dir.display().to_string(),
        source,
    };
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries.take(FILES_MAX) {
        let path = entry.map_err(failed)?.path();
        // Editors and package managers leave `.10-net.conflist.swp` and `10-net.conflist.dpkg-new`; neither ends right.
        if path.extension().is_some_and(|end| end == "conflist" || end == "conf" || end == "json") {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn read(path: &Path) -> Result<NetworkConfig> {
    use std::os::unix::fs::MetadataExt;
    let failed = |source| Error::File { what: "read", path: path.display().to_string(), source };
    let mode = std::fs::metadata(path).map_err(failed)?.mode();
    if mode & 0o002 != 0 {
        return Err(Error::invalid("mode", &format!("{:o}", mode & 0o7777), "not writable by everybody"));
    }
    let bytes = sys::host_path::read_regular(path, FILE_MAX).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::invalid("network configuration", "", "UTF-8"))?;
    NetworkConfig::parse(text)
}

/// A file, whichever form it has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    cni_version: Option<String>,
    #[serde(default)]
    cni_versions: Vec<String>,
    name: Option<String>,
    #[serde(default)]
    disable_check: Flag,
    #[serde(rename = "disableGC", default)]
    disable_gc: Flag,
    plugins: Option<Vec<BTreeMap<String, Box<RawValue>>>>,
}

/// A boolean that people also write as a string.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Flag {
    #[default]
    Absent,
    Bool(bool),
    Text(String),
}

impl Flag {
    fn is_set(&self) -> bool {
        match self {
            Self::Absent => false,
            Self::Bool(value) => *value,
            Self::Text(text) => text.eq_ignore_ascii_case("true"),
        }
    }
}

impl NetworkConfig {
    /// Takes the text of a `.conflist`, or of a `.conf` with one plugin.
    pub fn parse(text: String) -> Result<Self> {
        let bad = |error: serde_json::Error| {
            Error::invalid("network configuration", &error.to_string(), "JSON as in CNI")
        };
        let file: File = serde_json::from_str(&text).map_err(bad)?;
        let plugins = match file.plugins {
            Some(plugins) => plugins,
            None => vec![serde_json::from_str(&text).map_err(bad)?],
        };
        if plugins.is_empty() || plugins.len() > PLUGINS_MAX {
            return Err(Error::invalid("number of plugins", &plugins.len().to_string(), "1 to 32"));
        }
        Ok(Self {
            name: NetworkName::parse(file.name.as_deref().unwrap_or_default())?,
            version: choose_version(file.cni_version, file.cni_versions)?,
            plugins: plugins.into_iter().map(PluginConfig::take).collect::<Result<_>>()?,
            disable_check: file.disable_check.is_set(),
            disable_gc: file.disable_gc.is_set(),
            text,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &NetworkName {
        &self.name
    }

    /// The version of the specification its plugins are spoken to in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Types of its plugins, in order.
    pub fn plugins(&self) -> impl Iterator<Item = &str> {
        self.plugins.iter().map(|plugin| plugin.kind.as_str())
    }
}

/// The newest we speak of those the file offers (`cniVersions` is of 1.1.0).
fn choose_version(one: Option<String>, mut many: Vec<String>) -> Result<Version> {
    many.extend(one);
    let known = many.iter().filter_map(|text| Version::parse(text)).max();
    known
        .ok_or_else(|| Error::invalid("cniVersion", &many.join(", "), "one of 0.3.1, 0.4.0, 1.0.0 and 1.1.0"))
}

impl PluginConfig {
    fn take(mut fields: BTreeMap<String, Box<RawValue>>) -> Result<Self> {
        let bad = |what, error: serde_json::Error| Error::invalid(what, &error.to_string(), "as in CNI");
        let Some(kind) = fields.get("type") else {
            return Err(Error::invalid("plugin", "", "given a type"));
        };
        let kind: String = serde_json::from_str(kind.get()).map_err(|error| bad("plugin type", error))?;
        check_kind(&kind)?;
        let declared = fields.remove("capabilities");
        let declared: BTreeMap<String, bool> = match &declared {
            Some(raw) if raw.get() != "null" => {
                serde_json::from_str(raw.get()).map_err(|error| bad("plugin capabilities", error))?
            }
            _ => BTreeMap::new(),
        };
        let capabilities = declared.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
        for ours in ["cniVersion", "cniVersions", "name", "prevResult", "runtimeConfig", "plugins"] {
            fields.remove(ours);
        }
        Ok(Self { kind, capabilities, fields })
    }
}

/// The type is the name of a file in the plugin directories: a component, never a path (CVE-2021-20206).
fn check_kind(kind: &str) -> Result<()> {
    let first = kind.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
    if first && rest && kind.len() <= 128 {
        return Ok(());
    }
    Err(Error::invalid("plugin type", kind, "the name of a file: letters, digits, '_', '.' and '-'"))
}

#[cfg(test)]
mod tests;
