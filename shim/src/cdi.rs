//! CDI files of the node: found, bounded and read whenever a container asks for a device, so that they may change.
use std::{
    fs,
    path::{Path, PathBuf},
};

use proto::cri;
use spec::cdi::{self, Format, Registry};

use crate::{ctx::Ctx, error::Result};

/// Larger than any: a vendor's file for a node with hundreds of devices has some hundred kilobytes.
const FILE_MAX_BYTES: u64 = 4 << 20;
/// Most files of one directory.
const FILES_MAX: usize = 1000;

/// What the CDI devices that a container asks for change in it.
pub(crate) fn devices(cx: &Ctx, container: &cri::ContainerConfig) -> Result<Vec<cdi::Device>> {
    let names = cdi::asked(container)?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    Ok(load(&cx.config.cdi_spec_dirs).resolve(&names)?)
}

fn load(dirs: &[PathBuf]) -> Registry {
    let mut registry = Registry::default();
    for (rank, dir) in dirs.iter().enumerate() {
        for path in files(dir, &mut registry) {
            match read(&path) {
                Ok(document) => registry.add(path, rank, document),
                Err(why) => registry.unreadable(&path, &why),
            }
        }
    }
    registry
}

/// The files of one directory, which need not exist, in the order of their names.
fn files(dir: &Path, registry: &mut Registry) -> Vec<PathBuf> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            registry.unreadable(dir, &error.to_string());
            return Vec::new();
        }
    };
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| format(path).is_some()).collect();
    paths.sort();
    if paths.len() > FILES_MAX {
        registry.unreadable(dir, &format!("more than {FILES_MAX} files"));
        paths.truncate(FILES_MAX);
    }
    paths
}

fn format(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "json" => Some(Format::Json),
        "yaml" | "yml" => Some(Format::Yaml),
        _ => None,
    }
}

fn read(path: &Path) -> std::result::Result<cdi::Document, String> {
    let bytes = sys::host_path::read_regular(path, FILE_MAX_BYTES).map_err(|error| error.to_string())?;
    cdi::parse(&bytes, format(path).unwrap_or(Format::Yaml))
}
