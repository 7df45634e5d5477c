//! What can go wrong with a control group.
use std::{io, path::PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Kind of an error; the daemon maps it to a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path or a value that can never work.
    Invalid,
    /// The kernel refused what should have worked.
    Internal,
}

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A cgroup path with a component that is no name.
    #[error("cgroup path {path:?}: {why}")]
    Path {
        /// The path as asked for.
        path: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// A file operation in a hierarchy.
    #[error("{op} {}", path.display())]
    Io {
        /// The operation, as a verb.
        op: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// No cgroup file system is mounted.
    #[error("no cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup")]
    NoHierarchy,
}

impl Error {
    /// The kind of this error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Path { .. } => Kind::Invalid,
            Self::Io { .. } | Self::NoHierarchy => Kind::Internal,
        }
    }
}
