//! Ingest directories: where things are while they are not yet, or no longer, part of the store.
//!
//! `ingest/<random>/` belongs to one pull, layer or removal; it vanishes with its owner, and `open` empties
//! what a crash left.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The parent of all ingest directories.
#[derive(Debug, Clone)]
pub(crate) struct IngestRoot {
    dir: PathBuf,
}

/// One ingest directory; dropping it removes it with all it holds.
#[derive(Debug)]
pub(crate) struct Ingest {
    path: PathBuf,
}

impl IngestRoot {
    /// Opens `<root>/ingest` and empties it: whoever made what is inside is gone.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let dir = root.join("ingest");
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        for entry in fs::read_dir(&dir).map_err(Error::io("list", &dir))? {
            let path = entry.map_err(Error::io("list", &dir))?.path();
            if let Err(error) = remove_tree(&path) {
                // It costs space, but is no reason to stop all work on the node.
                tracing::warn!(path = %path.display(), error = &error as &dyn std::error::Error, "leftover cannot be removed");
            }
        }
        Ok(Self { dir })
    }

    /// Makes a new, empty one.
    pub(crate) fn create(&self) -> Result<Ingest> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| Error::io("name", &self.dir)(e.into()))?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.dir.join(name);
        fs::create_dir(&path).map_err(Error::io("create", &path))?;
        Ok(Ingest { path })
    }
}

impl Ingest {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next open.
        if let Err(error) = remove_tree(&self.path) {
            tracing::warn!(path = %self.path.display(), error = &error as &dyn std::error::Error, "ingest directory stays until the next start");
        }
    }
}

/// Removes whatever `path` is. The trees are an image author's work: as deep and wide as they like.
fn remove_tree(path: &Path) -> Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let dir = File::open(parent).map_err(Error::io("open", parent))?;
    let removed = sys::at::remove_all(dir.as_fd(), name.as_bytes());
    removed.map_err(|e| Error::io("remove", path)(e.into()))
}
