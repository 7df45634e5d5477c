//! Entry: one member of the archive, after all its headers have been put together.

use super::sparse::Piece;

/// One member of the archive.
#[derive(Debug)]
pub(super) struct Entry {
    /// As in the archive: not yet cleaned.
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) meta: Meta,
}

#[derive(Debug)]
pub(super) enum Kind {
    File {
        size: u64,
    },
    /// The data in the archive are the pieces, one after the other.
    Sparse {
        size: u64,
        pieces: Vec<Piece>,
    },
    Directory,
    Symlink {
        target: Vec<u8>,
    },
    HardLink {
        target: Vec<u8>,
    },
    Node(sys::at::Node),
}

/// Owner, permissions, time and xattrs, checked for range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The twelve bits of chmod(2).
    pub(super) mode: u32,
    pub(super) mtime: sys::at::Time,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Meta {
    /// Of a directory that the layer uses but does not describe. The time is fixed so that equal layers make
    /// equal trees.
    pub(super) const IMPLIED: Self =
        Self { uid: 0, gid: 0, mode: 0o755, mtime: sys::at::Time::EPOCH, xattrs: Vec::new() };
}
