//! What can go wrong with a control group.
use std::{io, path::PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Kind of an error; the daemon maps it to a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path or a value that can never work.
    Invalid,
    /// No more groups, no memory, no descriptors.
    Exhausted,
    /// The kernel lacks the controller.
    Unsupported,
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
    /// A value the kernel does not take.
    #[error("write {value:?} to {}", path.display())]
    Write {
        /// The control file.
        path: PathBuf,
        /// What was to be written.
        value: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A control file that is not there.
    #[error("{}: not there; this kernel or this hierarchy lacks the controller", path.display())]
    Missing {
        /// The control file.
        path: PathBuf,
    },
    /// A `unified` key that is no control file's name.
    #[error("unified resource {key:?}: not the name of a cgroup v2 control file such as memory.high")]
    Unified {
        /// The key as asked for.
        key: String,
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
    /// The device program of a v2 group.
    #[error("restrict devices of cgroup {path:?}")]
    Devices {
        /// The group.
        path: String,
        /// What the kernel said.
        #[source]
        source: sys::Error,
    },
    /// No cgroup file system is mounted.
    #[error("no cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup")]
    NoHierarchy,
}

impl Error {
    /// The kind of this error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Path { .. } | Self::Unified { .. } => Kind::Invalid,
            Self::Missing { .. } => Kind::Unsupported,
            Self::Write { source, .. } | Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory | io::ErrorKind::QuotaExceeded => {
                    Kind::Exhausted
                }
                io::ErrorKind::InvalidInput => Kind::Invalid,
                _ => Kind::Internal,
            },
            Self::NoHierarchy | Self::Devices { .. } => Kind::Internal,
        }
    }
}
