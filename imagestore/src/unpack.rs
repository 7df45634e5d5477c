//! Unpack: turns one layer's tar stream into a directory that overlayfs can use as it is.
//!
//! A layer is unpacked alone into its own empty directory and knows nothing of the layers below it. So a
//! deletion becomes overlayfs' own sign for it: a whiteout (character device 0:0) or an opaque directory
//! (`trusted.overlay.opaque=y`). What a layer says twice, its last word counts; what it deletes, it deletes
//! only below itself, in whichever order its entries come (OCI image-spec, layer.md, "Whiteouts").
//!
//! The bytes are hostile. Names are cleaned, then resolved inside the directory by the kernel
//! (`RESOLVE_IN_ROOT`), and from there on only descriptors are used. Every count has a limit in [`Limits`].
//!
//! ```text
//! raw blob ─► decompress::reader ─► (caller hashes) ─► archive ─► entry ─► place ─► directory
//! ```

mod archive;
pub mod decompress;
mod dirs;
mod entry;
mod error;
mod header;
mod input;
mod name;
mod owner;
mod pax;
mod place;
mod sparse;

use std::{
    io::{self, Read},
    os::fd::{BorrowedFd, OwnedFd},
};

pub use error::{Fault, Name, UnpackError};

use archive::Archive;
use dirs::Dirs;
use place::Placer;

/// How much one layer may cost. `Default` is meant for production.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of the decompressed stream, headers, padding and trailing garbage included.
    pub stream_bytes: u64,
    /// Bytes of file content; holes of sparse files count in full.
    pub content_bytes: u64,
    /// Headers in the archive, those of extensions included; also the directories made without a header.
    pub entries: u64,
    /// Bytes of one extension header (PAX records, GNU long name, sparse map), 1 MiB as in Go's archive/tar.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A layer of 64 GiB is ten times the largest in common use; the stream may hold some more for headers.
        Self {
            stream_bytes: (64 << 30) + (8 << 30),
            content_bytes: 64 << 30,
            entries: 10_000_000,
            header_bytes: 1 << 20,
        }
    }
}

/// What an unpacked layer came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Bytes of file content, holes included.
    pub bytes: u64,
    /// Inodes made: files, directories, links by name, devices and whiteouts; not further hard links.
    pub inodes: u64,
    /// Directories that the layer uses but does not describe, made with mode 0755 and owner 0:0; paths relative
    /// to the root, `""` is the root itself. Such a directory hides the owner and mode it has in a lower layer.
    /// At most [`IMPLIED_MAX`] are listed, of at most [`IMPLIED_BYTES_MAX`] together.
    pub implied: Vec<Vec<u8>>,
    /// The layer hides all below it (`.wh..wh..opq` in its root). overlayfs ignores the mark on the root of a
    /// layer, so whoever stacks the layers must leave out those below.
    pub opaque_root: bool,
    /// A hard link took its content from [`LowerLayers`]: the tree is right above those layers only.
    pub bound_to_lower: bool,
}

/// The longest list of [`Applied::implied`].
pub const IMPLIED_MAX: usize = 10_000;
/// All paths of [`Applied::implied`] together: one layer may nest directories half a million deep.
pub const IMPLIED_BYTES_MAX: usize = 1 << 20;

/// The merged view of the layers below, asked only for the target of a hard link that this layer does not have.
pub trait LowerLayers {
    /// Opens the regular file at `path` for reading, resolved inside the merged root (`path` is clean and
    /// relative). `None` if nothing is there or it is no regular file.
    fn open(&self, path: &[u8]) -> io::Result<Option<OwnedFd>>;
}

/// Unpacks `layer`, a decompressed tar stream, into `dest`, an empty directory; reads the stream to its very end.
///
/// On an error `dest` holds a part of the layer and must be thrown away. A hard link to a file of a lower layer
/// is [`UnpackError::LinkTarget`]; unpack again with [`apply_over`] once the layers below are there.
pub fn apply(layer: impl Read, dest: BorrowedFd<'_>, limits: &Limits) -> Result<Applied, UnpackError> {
    apply_over(layer, dest, limits, &NoLowerLayers)
}

/// Like [`apply`], with the layers below at hand for hard links into them.
pub fn apply_over(
    layer: impl Read,
    dest: BorrowedFd<'_>,
    limits: &Limits,
    lower: &dyn LowerLayers,
) -> Result<Applied, UnpackError> {
    let dirs = Dirs::new(dest, limits.entries)
        .map_err(|source| UnpackError::System { entry: Name::of(b""), source })?;
    Placer::new(Archive::new(layer, limits), dirs, limits, lower).run()
}

struct NoLowerLayers;

impl LowerLayers for NoLowerLayers {
    fn open(&self, _path: &[u8]) -> io::Result<Option<OwnedFd>> {
        Ok(None)
    }
}
