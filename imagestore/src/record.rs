//! What is known of an unpacked layer, kept beside its tree as `record`.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::layers::FsUsage;

/// Largest record: 10,000 implied directories with long names.
const RECORD_MAX_BYTES: u64 = 64 << 20;

/// The record of one layer. Written before the layer gets its place, so it is there whenever the layer is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) usage: FsUsage,
    /// Hides all layers below.
    #[serde(default)]
    pub(crate) opaque_root: bool,
    /// Directories without owner and mode of their own; base64, for they are bytes.
    #[serde(default)]
    implied: Vec<String>,
}

impl Record {
    pub(crate) fn new(usage: FsUsage, opaque_root: bool, implied: &[Vec<u8>]) -> Self {
        Self {
            usage,
            opaque_root,
            implied: implied.iter().map(|path| STANDARD_NO_PAD.encode(path)).collect(),
        }
    }

    /// Paths of the directories that the layer uses but does not describe.
    pub(crate) fn implied(&self) -> Vec<Vec<u8>> {
        self.implied.iter().filter_map(|text| STANDARD_NO_PAD.decode(text).ok()).collect()
    }

    /// Writes it into a layer's directory.
    pub(crate) fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join("record");
        let text = serde_json::to_vec(self).map_err(|e| Error::io("encode", &path)(e.into()))?;
        fs::write(&path, text).map_err(Error::io("write", path))
    }

    /// Reads it; `None` if it is missing or damaged.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let mut bytes = Vec::new();
        let file = fs::File::open(dir.join("record")).ok()?;
        file.take(RECORD_MAX_BYTES).read_to_end(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}
