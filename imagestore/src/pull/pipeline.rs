//! The pipeline of one layer: network ─► sha256 ─► decompress ─► sha256 ─► tree, on one blocking thread.
//!
//! Nothing is stored but the tree. What comes out is verified, by type, when both hashes are what was promised.

use std::io::{self, Read};
use std::os::fd::AsFd as _;

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use crate::digest::{DiffId, Digest, Hasher};
use crate::error::{Error, Result};
use crate::ingest::Ingest;
use crate::layers::{self, FsUsage};
use crate::manifest::Descriptor;
use crate::record::Record;
use crate::unpack::{self, Applied, Fault, Limits, LowerLayers, UnpackError, decompress};

/// Most bytes read on after a layer turned out not to unpack, to tell "altered on the way" from "built like this".
const AFTERMATH_MAX: u64 = 256 << 20;

/// What each inode of a tree that cannot be counted is taken for, besides its content.
const BLOCK: u64 = 4096;

/// What ran through the pipeline; nobody knows yet whether it is what was wanted.
#[derive(Debug)]
pub(super) struct Unpacked {
    ingest: Ingest,
    applied: Applied,
    compressed: Digest,
    uncompressed: Digest,
    layer: Descriptor,
}

/// A layer whose bytes were what the manifest and the config promise. Made by [`Unpacked::verify`] alone.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) ingest: Ingest,
    pub(super) record: Record,
    pub(super) bound_to_lower: bool,
}

/// How unpacking ended, if not with a tree.
#[derive(Debug)]
pub(super) enum Failed {
    /// A hard link needs the layers below: unpack again with them.
    NeedsLower,
    Error(Error),
}

/// Unpacks what `chunks` brings into `ingest`. Blocks.
pub(super) fn unpack(
    chunks: mpsc::Receiver<Bytes>,
    layer: Descriptor,
    ingest: Ingest,
    lower: Option<&dyn LowerLayers>,
) -> std::result::Result<Unpacked, Failed> {
    let tree = ingest.path().join("fs");
    make_tree(&tree).map_err(Failed::Error)?;
    let dir = sys::path::open_trusted(&tree, sys::path::Open::RDONLY | sys::path::Open::DIRECTORY, 0);
    let dir = dir.map_err(|e| Failed::Error(Error::io("open", &tree)(e.into())))?;
    let mut raw = Hashing::new(Chunks { chunks, current: Bytes::new(), left: layer.size });
    match through(&mut raw, dir.as_fd(), lower) {
        Ok((applied, uncompressed)) => {
            let compressed = raw.finish();
            Ok(Unpacked { ingest, applied, compressed, uncompressed, layer })
        }
        Err(UnpackError::LinkTarget { .. }) if lower.is_none() => Err(Failed::NeedsLower),
        Err(error) => Err(Failed::Error(explain(error, raw, &layer))),
    }
}

fn through(
    raw: &mut Hashing<Chunks>,
    dir: std::os::fd::BorrowedFd<'_>,
    lower: Option<&dyn LowerLayers>,
) -> std::result::Result<(Applied, Digest), UnpackError> {
    let limits = Limits::default();
    let (compression, stream) = decompress::reader(raw, &limits)?;
    let mut tar = Hashing::new(stream);
    let applied = match lower {
        Some(lower) => unpack::apply_over(&mut tar, dir, &limits, lower)?,
        None => unpack::apply(&mut tar, dir, &limits)?,
    };
    tracing::debug!(%compression, inodes = applied.inodes, "layer is unpacked");
    Ok((applied, tar.finish()))
}

/// The root of a container: everyone may look into it, unless the layer says otherwise.
fn make_tree(tree: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new().mode(0o755).create(tree).map_err(Error::io("create", tree))?;
    // The umask is not ours to rely on.
    std::fs::set_permissions(tree, std::fs::Permissions::from_mode(0o755)).map_err(Error::io("chmod", tree))
}

/// Bytes that do not unpack may simply be the wrong bytes: reads the rest to find out.
fn explain(error: UnpackError, mut raw: Hashing<Chunks>, layer: &Descriptor) -> Error {
    if matches!(error.fault(), Fault::Layer | Fault::Read | Fault::Unsupported)
        && raw.inner.left <= AFTERMATH_MAX
    {
        let rest = io::copy(&mut raw, &mut io::sink());
        let got = raw.finish();
        if rest.is_ok() && got != layer.digest {
            return altered(layer, got);
        }
    }
    Error::Layer { layer: layer.digest, source: Box::new(error) }
}

fn altered(layer: &Descriptor, got: Digest) -> Error {
    let what = "layer (altered by the registry, a mirror or a proxy)".to_owned();
    Error::Mismatch { what, expected: layer.digest.to_string(), got: got.to_string() }
}

impl Unpacked {
    /// Checks both digests. The tree goes away with an error.
    pub(super) fn verify(self, diff_id: DiffId) -> Result<Verified> {
        if self.compressed != self.layer.digest {
            return Err(altered(&self.layer, self.compressed));
        }
        if self.uncompressed != diff_id.0 {
            let what = format!(
                "uncompressed layer {} (the image's config does not belong to it)",
                self.layer.digest
            );
            return Err(Error::Mismatch {
                what,
                expected: diff_id.to_string(),
                got: self.uncompressed.to_string(),
            });
        }
        let estimate = FsUsage {
            bytes: self.applied.bytes.saturating_add(self.applied.inodes.saturating_mul(BLOCK)),
            inodes: self.applied.inodes,
        };
        let usage = layers::count(&self.ingest.path().join("fs"))?.unwrap_or(estimate);
        let record = Record::new(usage, self.applied.opaque_root, &self.applied.implied);
        record.write(self.ingest.path())?;
        Ok(Verified { ingest: self.ingest, record, bound_to_lower: self.applied.bound_to_lower })
    }
}

/// Reads what the network task sends; ends after as many bytes as were promised, and with an error before.
#[derive(Debug)]
struct Chunks {
    chunks: mpsc::Receiver<Bytes>,
    current: Bytes,
    left: u64,
}

impl Read for Chunks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                Some(next) => self.current = next,
                None if self.left == 0 => return Ok(0),
                // The sender is gone: its own error tells why, or nobody wants the layer any more.
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the download ended early"));
                }
            }
        }
        let n = self.current.len().min(buf.len());
        self.current.copy_to_slice(&mut buf[..n]);
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

/// Hashes what passes.
struct Hashing<R> {
    inner: R,
    hasher: Hasher,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default() }
    }

    fn finish(self) -> Digest {
        self.hasher.finish()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(&buf[..n]);
        Ok(n)
    }
}
