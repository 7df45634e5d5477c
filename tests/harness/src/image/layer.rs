//! Layers: a tar archive written entry by entry, then compressed in one of the three ways.

use std::{io::Write, path::Path};

use flate2::{Compression as Level, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use super::{Format, digest};
use crate::{Doing, Result};

/// How a layer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As almost every image has it.
    #[default]
    Gzip,
    /// OCI only.
    Zstd,
    /// A plain tar.
    Plain,
}

/// A finished layer.
#[derive(Debug, Clone)]
pub struct Layer {
    /// As stored in the registry.
    pub bytes: Vec<u8>,
    /// Digest of `bytes`.
    pub digest: String,
    /// Digest of the tar inside.
    pub diff_id: String,
    compression: Compression,
}

impl Layer {
    /// A layer of any bytes, true or not: for hostile cases.
    pub fn forged(bytes: Vec<u8>, diff_id: String, compression: Compression) -> Self {
        Self { digest: digest(&bytes), bytes, diff_id, compression }
    }

    pub(super) fn media_type(&self, format: Format) -> &'static str {
        match (format, self.compression) {
            (Format::Oci, Compression::Gzip) => "application/vnd.oci.image.layer.v1.tar+gzip",
            (Format::Oci, Compression::Zstd) => "application/vnd.oci.image.layer.v1.tar+zstd",
            (Format::Oci, Compression::Plain) => "application/vnd.oci.image.layer.v1.tar",
            (Format::Docker, Compression::Plain) => "application/vnd.docker.image.rootfs.diff.tar",
            (Format::Docker, _) => "application/vnd.docker.image.rootfs.diff.tar.gzip",
        }
    }
}

/// A layer under construction.
pub struct LayerBuilder {
    tar: Builder<Vec<u8>>,
    /// User and group of the next entry.
    owner: (u64, u64),
}

impl std::fmt::Debug for LayerBuilder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "LayerBuilder of {} bytes", self.tar.get_ref().len())
    }
}

impl Default for LayerBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl LayerBuilder {
    /// An empty layer.
    pub fn new() -> Self {
        Self { tar: Builder::new(Vec::new()), owner: ROOT }
    }

    /// Owner of the next entry.
    #[must_use]
    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        self.owner = (uid, gid);
        self
    }

    /// A directory.
    ///
    /// # Errors
    /// When the path does not fit into an archive; so for all that follow.
    pub fn dir(self, path: &str, mode: u32) -> Result<Self> {
        self.entry(EntryType::Directory, path, mode, "", &[])
    }

    /// A regular file.
    ///
    /// # Errors
    /// As for [`Self::dir`].
    pub fn file(self, path: &str, mode: u32, content: impl AsRef<[u8]>) -> Result<Self> {
        self.entry(EntryType::Regular, path, mode, "", content.as_ref())
    }

    /// Everything below a directory of this machine, owners and modes included.
    ///
    /// # Errors
    /// When it cannot be read, too.
    pub fn tree(mut self, dir: &Path) -> Result<Self> {
        self.tar.follow_symlinks(false);
        self.tar.append_dir_all(".", dir).doing(|| format!("add {} to a layer", dir.display()))?;
        Ok(self)
    }

    /// A symbolic link.
    ///
    /// # Errors
    /// As for [`Self::dir`].
    pub fn symlink(self, path: &str, target: &str) -> Result<Self> {
        self.entry(EntryType::Symlink, path, 0o777, target, &[])
    }

    /// A second name of a file that is in the layer already.
    ///
    /// # Errors
    /// As for [`Self::dir`].
    pub fn hard_link(self, path: &str, target: &str) -> Result<Self> {
        self.entry(EntryType::Link, path, 0o755, target, &[])
    }

    /// Says that `path` of the layers below is gone.
    ///
    /// # Errors
    /// As for [`Self::dir`].
    pub fn whiteout(self, path: &str) -> Result<Self> {
        let (dir, name) = path.rsplit_once('/').map_or(("", path), |(dir, name)| (dir, name));
        let place = if dir.is_empty() { format!(".wh.{name}") } else { format!("{dir}/.wh.{name}") };
        self.file(&place, 0o644, [])
    }

    /// Says that what the layers below have in directory `path` is gone.
    ///
    /// # Errors
    /// As for [`Self::dir`].
    pub fn opaque(self, path: &str) -> Result<Self> {
        self.file(&format!("{path}/.wh..wh..opq"), 0o644, [])
    }

    /// An entry whose name may be anything at all, for hostile cases.
    ///
    /// # Errors
    /// When the name is longer than a plain header holds (100 bytes).
    pub fn raw_file(mut self, name: &[u8], content: &[u8]) -> Result<Self> {
        let mut header = self.header(EntryType::Regular, 0o644, content.len());
        let field = &mut header.as_old_mut().name;
        field
            .get_mut(..name.len())
            .doing(|| "fit a raw name into a header".to_owned())?
            .copy_from_slice(name);
        header.set_cksum();
        self.tar.append(&header, content)?;
        self.owner = ROOT;
        Ok(self)
    }

    /// The finished layer.
    ///
    /// # Errors
    /// When a compressor refuses, which it has no reason to.
    pub fn build(self, compression: Compression) -> Result<Layer> {
        let tar = self.tar.into_inner()?;
        let diff_id = digest(&tar);
        let bytes = match compression {
            Compression::Plain => tar,
            Compression::Zstd => zstd::encode_all(tar.as_slice(), 3)?,
            Compression::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(&tar)?;
                encoder.finish()?
            }
        };
        Ok(Layer { digest: digest(&bytes), bytes, diff_id, compression })
    }

    fn entry(mut self, kind: EntryType, path: &str, mode: u32, target: &str, content: &[u8]) -> Result<Self> {
        let mut header = self.header(kind, mode, content.len());
        if target.is_empty() {
            self.tar.append_data(&mut header, path, content).doing(|| format!("add {path} to a layer"))?;
        } else {
            self.tar
                .append_link(&mut header, path, target)
                .doing(|| format!("add link {path} to a layer"))?;
        }
        self.owner = ROOT;
        Ok(self)
    }

    fn header(&self, kind: EntryType, mode: u32, size: usize) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_mtime(1_700_000_000);
        header.set_size(size as u64);
        header
    }
}

const ROOT: (u64, u64) = (0, 0);
