//! The unpacked layers: `layers/<diff_id hex>/{fs,record}`, which are complete and durable whenever they are there.
//!
//! A layer arrives by one rename after its digests were checked and its files synced, and leaves by one rename
//! into an ingest directory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::digest::{DiffId, Digest};
use crate::error::{Error, Result};
use crate::ingest::{Ingest, IngestRoot};
use crate::meta::sync_dir;
use crate::record::Record;
use crate::stack;

/// Disk space and inodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsUsage {
    /// Allocated bytes.
    pub bytes: u64,
    /// Files, directories and all other inodes.
    pub inodes: u64,
}

impl std::ops::AddAssign for FsUsage {
    fn add_assign(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.inodes = self.inodes.saturating_add(other.inodes);
    }
}

impl std::iter::Sum for FsUsage {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum += one;
            sum
        })
    }
}

/// What is kept in memory of a layer.
#[derive(Debug, Clone, Copy)]
struct Known {
    usage: FsUsage,
    opaque_root: bool,
}

#[derive(Debug, Default)]
struct Table {
    present: HashMap<DiffId, Known>,
    /// How many holds keep a layer, present or still to come.
    held: HashMap<DiffId, usize>,
}

/// All layers on disk, and who needs them at the moment.
#[derive(Debug)]
pub(crate) struct Layers {
    dir: PathBuf,
    /// Open since before anything was written, so that syncfs tells of every write that failed.
    file_system: File,
    table: Mutex<Table>,
}

/// Keeps layers from being collected until it is dropped.
#[derive(Debug)]
pub struct Hold {
    layers: Arc<Layers>,
    held: Vec<DiffId>,
}

impl Layers {
    /// Reads what is there.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let dir = root.join("layers");
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        let file_system = File::open(&dir).map_err(Error::io("open", &dir))?;
        let mut present = HashMap::new();
        for entry in fs::read_dir(&dir).map_err(Error::io("list", &dir))? {
            let entry = entry.map_err(Error::io("list", &dir))?;
            // A name that is no digest is not ours to judge.
            if let Some(id) = entry.file_name().to_str().and_then(|name| Digest::from_hex(name).ok()) {
                present.insert(DiffId(id), known(&entry.path())?);
            }
        }
        Ok(Self { dir, file_system, table: Mutex::new(Table { present, held: HashMap::new() }) })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // The table is only changed by single inserts and removes: a panic elsewhere leaves it whole.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The unpacked tree of a layer, ready to be an overlay lower directory.
    pub(crate) fn tree(&self, id: &DiffId) -> PathBuf {
        self.dir.join(id.0.hex()).join("fs")
    }

    pub(crate) fn is_present(&self, id: &DiffId) -> bool {
        self.table().present.contains_key(id)
    }

    /// The usage of `id`; `None` if it is not here.
    pub(crate) fn usage(&self, id: &DiffId) -> Option<FsUsage> {
        self.table().present.get(id).map(|known| known.usage)
    }

    /// The usage of all layers, referenced or not.
    pub(crate) fn total(&self) -> FsUsage {
        self.table().present.values().map(|known| known.usage).sum()
    }

    /// Keeps `ids` from now on, whether they are here or still to come.
    pub(crate) fn hold(self: &Arc<Self>, ids: &[DiffId]) -> Hold {
        let mut table = self.table();
        for id in ids {
            *table.held.entry(*id).or_default() += 1;
        }
        Hold { layers: Arc::clone(self), held: ids.to_vec() }
    }

    /// What is on record of a layer; nothing in particular if the record is damaged.
    pub(crate) fn record(&self, id: &DiffId) -> Record {
        Record::read(&self.dir.join(id.0.hex())).unwrap_or_default()
    }

    /// The trees to stack for `diff_ids` (both lowest first); `None` if one is missing.
    pub(crate) fn stack(&self, diff_ids: &[DiffId]) -> Option<Vec<DiffId>> {
        let table = self.table();
        let stack = stack::keys(diff_ids, |id| table.present.contains_key(id))?;
        Some(stack::visible(&stack, |id| table.present.get(id).is_some_and(|known| known.opaque_root)))
    }

    /// Makes all layers that were written so far durable, those still in ingest directories too.
    pub(crate) fn sync(&self) -> Result<()> {
        sys::at::sync_fs(self.file_system.as_fd()).map_err(|e| Error::io("sync", &self.dir)(e.into()))
    }

    /// Adds the layer that `ingest` holds as `fs` and `record`. Its digests are checked; all of it is synced.
    pub(crate) fn add(&self, id: DiffId, record: &Record, ingest: Ingest) -> Result<()> {
        let place = self.dir.join(id.0.hex());
        match fs::rename(ingest.path(), &place) {
            // The same layer by another pull: its bytes are ours, `ingest` removes the copy.
            Err(error) if is_there(&error) => {}
            other => other.map_err(Error::io("rename into", &place))?,
        }
        sync_dir(&self.dir)?;
        self.table().present.insert(id, Known { usage: record.usage, opaque_root: record.opaque_root });
        Ok(())
    }

    /// Removes the layers that `keep` does not want and nobody holds. Returns how many went.
    pub(crate) fn sweep(&self, trash: &IngestRoot, keep: impl Fn(&DiffId) -> bool) -> Result<usize> {
        let mut going = Vec::new();
        {
            let mut table = self.table();
            let unwanted = table.present.keys().filter(|id| !keep(id) && !table.held.contains_key(id));
            for id in unwanted.copied().collect::<Vec<_>>() {
                let ingest = trash.create()?;
                let place = self.dir.join(id.0.hex());
                fs::rename(&place, ingest.path().join("layer")).map_err(Error::io("take away", &place))?;
                table.present.remove(&id);
                going.push(ingest);
            }
        }
        let count = going.len();
        if count > 0 {
            sync_dir(&self.dir)?;
        }
        // Dropping the ingests deletes the trees, which takes time: outside the lock.
        drop(going);
        Ok(count)
    }

    /// Whether all of `ids` are here.
    pub(crate) fn are_present(&self, ids: &[DiffId]) -> bool {
        let table = self.table();
        ids.iter().all(|id| table.present.contains_key(id))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut table = self.layers.table();
        for id in &self.held {
            match table.held.get_mut(id) {
                Some(count) if *count > 1 => *count -= 1,
                _ => {
                    table.held.remove(id);
                }
            }
        }
    }
}

fn is_there(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists)
}

/// Reads what is on record of a layer; counts anew if the record is damaged.
fn known(layer: &Path) -> Result<Known> {
    match Record::read(layer) {
        Some(record) => Ok(Known { usage: record.usage, opaque_root: record.opaque_root }),
        None => Ok(Known { usage: count(&layer.join("fs"))?.unwrap_or_default(), opaque_root: false }),
    }
}

/// What a tree takes; `None` if it is too odd to be counted.
pub(crate) fn count(tree: &Path) -> Result<Option<FsUsage>> {
    let dir = File::open(tree).map_err(Error::io("open", tree))?;
    let usage = sys::tree::usage(dir.as_fd()).map_err(|e| Error::io("count", tree)(e.into()))?;
    Ok(usage.whole.then_some(FsUsage { bytes: usage.bytes, inodes: usage.inodes }))
}

#[cfg(test)]
mod tests;
