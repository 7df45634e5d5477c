//! The index file: which images there are and their names; one file, checksummed, replaced as a whole.
//!
//! ```text
//! offset  bytes
//! 0       8   "BERTHIMG"
//! 8       4   format version, little endian: 1
//! 12      8   length of the body, little endian
//! 20      32  sha256 of the body
//! 52      …   body: JSON, {"images":[{"id","manifest","documents","layers",
//!             "tags","digests","pinned"}]}
//! ```
//! Everything else about an image is in its documents, which are named by their digest. The file is written
//! beside, synced, renamed over, and the directory synced; the version before stays as `index.old`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::{DiffId, Digest};
use crate::error::{Error, Result};
use crate::image::Image;

const MAGIC: &[u8; 8] = b"BERTHIMG";
const VERSION: u32 = 1;
const HEAD: usize = 8 + 4 + 8 + 32;
/// Largest index read: about 100,000 images.
const INDEX_MAX_BYTES: u64 = 64 << 20;
/// Freed when a full disk keeps us from writing the index that removes an image.
const RESERVE_BYTES: usize = 1 << 20;

/// An image as the index tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) id: Digest,
    pub(crate) manifest: Digest,
    pub(crate) documents: Vec<Digest>,
    pub(crate) layers: Vec<DiffId>,
    pub(crate) tags: Vec<String>,
    pub(crate) digests: Vec<String>,
    pub(crate) pinned: Option<String>,
}

impl From<&Image> for Entry {
    fn from(image: &Image) -> Self {
        Self {
            id: image.id,
            manifest: image.manifest,
            documents: image.documents.clone(),
            layers: image.layers.clone(),
            tags: image.tags.clone(),
            digests: image.digests.clone(),
            pinned: image.pinned.clone(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    images: std::borrow::Cow<'a, [Entry]>,
}

/// The bytes of an index file.
pub(crate) fn encode(entries: &[Entry]) -> Result<Vec<u8>> {
    let body = serde_json::to_vec(&Body { images: entries.into() })
        .map_err(|e| Error::Document { what: "image index".to_owned(), why: e.to_string() })?;
    let mut file = Vec::with_capacity(HEAD + body.len());
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&(body.len() as u64).to_le_bytes());
    file.extend_from_slice(Digest::of(&body).as_bytes());
    file.extend_from_slice(&body);
    Ok(file)
}

/// The entries of an index file, or why it is none.
pub(crate) fn decode(file: &[u8]) -> std::result::Result<Vec<Entry>, String> {
    let (head, body) = file.split_at_checked(HEAD).ok_or("it is cut short")?;
    if !head.starts_with(MAGIC) {
        return Err("it is not an image index".to_owned());
    }
    let version = head[8..12].try_into().map(u32::from_le_bytes).unwrap_or_default();
    if version != VERSION {
        return Err(format!("it has format version {version}, this program reads {VERSION}"));
    }
    let length = head[12..20].try_into().map(u64::from_le_bytes).unwrap_or_default();
    if length != body.len() as u64 {
        return Err(format!("it has {} bytes where {length} are announced", body.len()));
    }
    if head[20..] != Digest::of(body).as_bytes()[..] {
        return Err("its checksum is wrong".to_owned());
    }
    serde_json::from_slice::<Body<'_>>(body).map(|body| body.images.into_owned()).map_err(|e| e.to_string())
}

/// What [`IndexFile::read`] found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The index.
    Whole(Vec<Entry>),
    /// Nothing: a new store.
    Nothing,
    /// The index is damaged or gone, and this is the one before it.
    Older { entries: Vec<Entry>, why: String },
    /// Neither can be read.
    Lost { why: String },
}

/// The index file in its directory.
#[derive(Debug)]
pub(crate) struct IndexFile {
    root: PathBuf,
}

impl IndexFile {
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.join("index")
    }

    fn old_path(&self) -> PathBuf {
        self.root.join("index.old")
    }

    fn reserve_path(&self) -> PathBuf {
        self.root.join("reserve")
    }

    /// Reads the index, or the one before it. A format of a newer program is an error: an old program must not
    /// throw its images away.
    pub(crate) fn read(&self) -> Result<Found> {
        let why = match read_file(&self.path())? {
            None => None,
            Some(bytes) => match decode(&bytes) {
                Ok(entries) => return Ok(Found::Whole(entries)),
                Err(why) if why.contains("format version") => {
                    return Err(Error::Corrupt {
                        path: self.path(),
                        why: format!("{why}: run the program that wrote it"),
                    });
                }
                Err(why) => Some(why),
            },
        };
        let older = read_file(&self.old_path())?.map(|bytes| decode(&bytes));
        Ok(match (why, older) {
            (None, None) => Found::Nothing,
            (why, Some(Ok(entries))) => {
                Found::Older { entries, why: why.unwrap_or_else(|| "it is missing".to_owned()) }
            }
            (why, _) => Found::Lost { why: why.unwrap_or_else(|| "it is missing".to_owned()) },
        })
    }

    /// Replaces the index; when this returns, the new one survives a power cut.
    pub(crate) fn replace(&self, entries: &[Entry]) -> Result<()> {
        let bytes = encode(entries)?;
        match self.write(&bytes) {
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull => {
                let _ = fs::remove_file(self.reserve_path());
                self.write(&bytes)
            }
            other => other,
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<()> {
        let beside = self.root.join("index.new");
        let mut file = File::create(&beside).map_err(Error::io("create", &beside))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("write", &beside))?;
        // A crash between the two steps leaves the index in place: a link is another name for the same file.
        let old = self.old_path();
        match fs::remove_file(&old).and_then(|()| fs::hard_link(self.path(), &old)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let _ = fs::hard_link(self.path(), &old);
            }
            other => other.map_err(Error::io("keep the old index as", &old))?,
        }
        fs::rename(&beside, self.path()).map_err(Error::io("replace", self.path()))?;
        sync_dir(&self.root)
    }

    /// Makes the reserve that lets `replace` work on a full disk. Best effort: the disk may be full now.
    pub(crate) fn reserve(&self) {
        let path = self.reserve_path();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == RESERVE_BYTES as u64) {
            return;
        }
        if fs::write(&path, vec![0x5a; RESERVE_BYTES]).is_err() {
            let _ = fs::remove_file(&path);
        }
    }

    /// Moves a damaged index aside for a human to look at.
    pub(crate) fn set_aside(&self) -> Result<()> {
        for (from, to) in [(self.path(), "index.damaged"), (self.old_path(), "index.old.damaged")] {
            match fs::rename(&from, self.root.join(to)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("set aside", from)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(Error::io("fsync", dir))
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::io("open", path))?,
    };
    let mut bytes = Vec::new();
    file.take(INDEX_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
