//! Documents (indexes, manifests, configs) by digest: `blobs/sha256/<hex>`, verified whenever they come in.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::ingest::Ingest;
use crate::manifest::DOCUMENT_MAX_BYTES;
use crate::meta::sync_dir;

/// Bytes whose digest was checked: there is no other way to make one.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    digest: Digest,
    bytes: bytes::Bytes,
}

impl Blob {
    /// Takes `bytes` if they are what `digest` names; `what` is for the error.
    pub(crate) fn verify(what: &str, digest: Digest, bytes: bytes::Bytes) -> Result<Self> {
        let got = Digest::of(&bytes);
        if got != digest {
            return Err(Error::Mismatch {
                what: what.to_owned(),
                expected: digest.to_string(),
                got: got.to_string(),
            });
        }
        Ok(Self { digest, bytes })
    }

    /// Bytes that name themselves: a manifest asked for by tag.
    pub(crate) fn named_by_itself(bytes: bytes::Bytes) -> Self {
        Self { digest: Digest::of(&bytes), bytes }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The directory of documents.
#[derive(Debug)]
pub(crate) struct Documents {
    dir: PathBuf,
}

impl Documents {
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let dir = root.join("blobs").join("sha256");
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        Ok(Self { dir })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex())
    }

    /// Reads and verifies a document; `None` if it is not here.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Option<Blob>> {
        let path = self.path(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::io("open", &path))?,
        };
        let mut bytes = Vec::new();
        file.take(DOCUMENT_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::io("read", &path))?;
        let damaged =
            |_| Error::Corrupt { path, why: "it does not match its digest: pull the image again".to_owned() };
        Blob::verify("document", *digest, bytes.into()).map(Some).map_err(damaged)
    }

    /// Writes `blobs` that are not here yet; when this returns, they survive a power cut.
    pub(crate) fn write(&self, ingest: &Ingest, blobs: &[Blob]) -> Result<()> {
        let mut wrote = false;
        for blob in blobs {
            let path = self.path(&blob.digest);
            if fs::symlink_metadata(&path).is_ok_and(|meta| meta.len() == blob.bytes.len() as u64) {
                continue;
            }
            let beside = ingest.path().join(blob.digest.hex());
            let mut file = File::create(&beside).map_err(Error::io("create", &beside))?;
            file.write_all(&blob.bytes)
                .and_then(|()| file.sync_all())
                .map_err(Error::io("write", &beside))?;
            fs::rename(&beside, &path).map_err(Error::io("rename into", &path))?;
            wrote = true;
        }
        if wrote { sync_dir(&self.dir) } else { Ok(()) }
    }

    /// Bytes on disk of one document; 0 if it is not here.
    pub(crate) fn size(&self, digest: &Digest) -> u64 {
        fs::symlink_metadata(self.path(digest)).map(|meta| meta.len()).unwrap_or_default()
    }

    /// The digests of all documents.
    pub(crate) fn list(&self) -> Result<Vec<Digest>> {
        let entries = fs::read_dir(&self.dir).map_err(Error::io("list", &self.dir))?;
        let names = entries.filter_map(|entry| Digest::from_hex(entry.ok()?.file_name().to_str()?).ok());
        Ok(names.collect())
    }

    /// Removes every document that is not in `keep`.
    pub(crate) fn sweep(&self, keep: &HashSet<Digest>) -> Result<()> {
        for digest in self.list()?.iter().filter(|digest| !keep.contains(*digest)) {
            let path = self.path(digest);
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
