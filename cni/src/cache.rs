//! What was added, kept on disk: DEL must see the configuration and result of its ADD, whatever became of the files since.
//!
//! One JSON file for each interface of an attachment, `<id>-<interface>.json`, written before the first plugin runs and
//! replaced (temporary file, fsync, rename, fsync of the directory) when the last one is done. Durable, because addresses
//! leased by plugins outlive a power cut.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{AttachmentId, IfName},
};

/// Raised when an older daemon could misread a newer file.
const FORMAT: u32 = 1;
/// Largest file: a configuration and a result of at most 1 MiB each, escaped.
const FILE_MAX: u64 = 8 << 20;
/// Most files [`Cache::list`] reads.
const FILES_MAX: usize = 65_536;

/// One attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    format: u32,
    pub(crate) id: String,
    pub(crate) interface: String,
    /// The network's configuration file as it was.
    pub(crate) network: String,
    /// CNI_ARGS.
    pub(crate) args: String,
    /// `runtimeConfig` by capability, as JSON text.
    pub(crate) runtime: Vec<(String, String)>,
    /// The last result there was, as JSON text.
    pub(crate) result: Option<String>,
}

impl Entry {
    pub(crate) fn new(
        id: &AttachmentId,
        interface: &IfName,
        network: String,
        args: String,
        runtime: Vec<(String, String)>,
    ) -> Self {
        let (id, interface) = (id.to_string(), interface.to_string());
        Self { format: FORMAT, id, interface, network, args, runtime, result: None }
    }
}

/// A directory of entries.
#[derive(Clone, Debug)]
pub(crate) struct Cache(PathBuf);

impl Cache {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// Writes or replaces an entry, durably.
    pub(crate) fn put(&self, entry: &Entry) -> Result<()> {
        let name = file_name(&entry.id, &entry.interface);
        let path = self.0.join(&name);
        let temporary = self.0.join(format!("{name}.new"));
        let bytes = serde_json::to_vec(entry).map_err(io::Error::from);
        let write = || -> io::Result<()> {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&bytes?)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|source| failed("write", &path, source))
    }

    /// The entry of an attachment's interface.
    pub(crate) fn get(&self, id: &AttachmentId, interface: &IfName) -> Result<Option<Entry>> {
        self.read(&self.0.join(file_name(id.as_str(), interface.as_str())))
    }

    /// Forgets an entry; right if there is none.
    pub(crate) fn remove(&self, id: &AttachmentId, interface: &IfName) -> Result<()> {
        let path = self.0.join(file_name(id.as_str(), interface.as_str()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path, error)),
            _ => Ok(()),
        }
    }

    /// All entries that can be read.
    pub(crate) fn list(&self) -> Result<Vec<Entry>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|error| failed("list", &self.0, error))?,
        };
        let mut found = Vec::new();
        for entry in entries.take(FILES_MAX) {
            let path = entry.map_err(|error| failed("list", &self.0, error))?.path();
            if path.extension().is_some_and(|end| end == "json") {
                found.extend(self.read(&path).ok().flatten());
            }
        }
        Ok(found)
    }

    fn read(&self, path: &Path) -> Result<Option<Entry>> {
        let bytes = match sys::host_path::read_regular(path, FILE_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(|error| failed("read", path, error))?,
        };
        let entry: Entry =
            serde_json::from_slice(&bytes).map_err(|error| failed("read", path, error.into()))?;
        if entry.format != FORMAT {
            let text = format!("format {} is of a newer version", entry.format);
            return Err(failed("read", path, io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        Ok(Some(entry))
    }
}

/// Both are checked types and hold no separator.
fn file_name(id: &str, interface: &str) -> String {
    format!("{id}-{interface}.json")
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> Error {
    let what = match what {
        "write" => "write network cache",
        "remove" => "remove network cache",
        "list" => "list network cache",
        _ => "read network cache",
    };
    Error::File { what, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
