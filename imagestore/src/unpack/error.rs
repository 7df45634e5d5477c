//! Why a layer could not be unpacked.

use std::{fmt, io};

/// Why a layer could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The reader failed: network, decompressor, or the caller's own stop.
    #[error("read the layer")]
    Read {
        #[source]
        source: io::Error,
    },
    #[error("{what} is not supported in a layer")]
    Unsupported { what: &'static str },
    /// The bytes are no archive: bad checksum, bad number, cut short.
    #[error("the layer is not a sound tar archive at byte {offset}: {problem}")]
    Malformed { offset: u64, problem: &'static str },
    /// The archive is sound, but asks for what no layer may have.
    #[error("layer entry {entry}: {problem}")]
    Refused { entry: Name, problem: &'static str },
    #[error("the layer passes the limit of {limit} {what}")]
    Limit { what: &'static str, limit: u64 },
    #[error("layer entry {entry}: hard link to {target}, which this layer does not have")]
    LinkTarget { entry: Name, target: Name },
    #[error("layer entry {entry}: read {target} of the lower layers")]
    Lower {
        entry: Name,
        target: Name,
        #[source]
        source: io::Error,
    },
    /// The file system would not take it.
    #[error("layer entry {entry}: write")]
    Write {
        entry: Name,
        #[source]
        source: io::Error,
    },
    #[error("layer entry {entry}")]
    System {
        entry: Name,
        #[source]
        source: sys::Error,
    },
}

/// Whose fault a failed unpacking is; the caller turns it into its own kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The layer's: no retry will help.
    Layer,
    /// The layer is larger than we allow.
    Limit,
    /// A format we do not know.
    Unsupported,
    /// The reader's.
    Read,
    /// The host's: disk full, permission, no xattrs.
    Host,
}

impl UnpackError {
    pub fn fault(&self) -> Fault {
        match self {
            Self::Read { .. } => Fault::Read,
            Self::Unsupported { .. } => Fault::Unsupported,
            Self::Malformed { .. } | Self::Refused { .. } | Self::LinkTarget { .. } => Fault::Layer,
            Self::Limit { .. } => Fault::Limit,
            Self::Lower { .. } | Self::Write { .. } => Fault::Host,
            Self::System { source, .. } => match source.errno {
                // What a layer can provoke by its names alone.
                sys::Errno::ELOOP | sys::Errno::ENAMETOOLONG | sys::Errno::ENOTDIR => Fault::Layer,
                _ => Fault::Host,
            },
        }
    }
}

/// A name out of an archive, printed escaped and cut: it may hold any byte and be a megabyte long.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(pub Vec<u8>);

impl Name {
    const SHOWN_MAX: usize = 200;

    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(bytes[..bytes.len().min(Self::SHOWN_MAX + 1)].to_vec())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(Self::SHOWN_MAX)];
        write!(f, "\"{}\"", shown.escape_ascii())?;
        if shown.len() < self.0.len() { f.write_str("…") } else { Ok(()) }
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
