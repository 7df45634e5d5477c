//! What can go wrong with a control group.
use std::{io, path::PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Kind of an error; the daemon maps it to a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A path or a value that can never work.
    Invalid,
    /// There is no such group.
    NotFound,
    /// No more groups, no memory, no descriptors.
    Exhausted,
    /// The kernel lacks the controller.
    Unsupported,
    /// Processes that do not end: worth another try later.
    Busy,
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
    /// A resource that no control file could take.
    #[error("resource {resource} = {value:?}: {why}")]
    Value {
        /// The resource, as OCI's runtime-spec calls it.
        resource: &'static str,
        /// The value as asked for.
        value: String,
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
    /// A group that still has processes after all of them were killed, or that does not freeze.
    #[error("{op} {}: processes {pids:?} do not react", path.display())]
    Busy {
        /// The operation, as a verb.
        op: &'static str,
        /// The directory.
        path: PathBuf,
        /// Some of the processes.
        pids: Vec<i32>,
    },
    /// The device program of a v2 group.
    #[error("restrict devices of {}", path.display())]
    Devices {
        /// The group's directory.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: sys::Error,
    },
    /// One of the controllers that cgroups-rs handles.
    #[error("set {what} of {}", path.display())]
    Rare {
        /// The resource.
        what: &'static str,
        /// The group's directory.
        path: PathBuf,
        /// What cgroups-rs said.
        #[source]
        source: cgroups_rs::fs::error::Error,
    },
    /// A unit that systemd did not start, change or stop.
    #[error("{op} systemd unit {unit}")]
    Unit {
        /// The operation, as a verb.
        op: &'static str,
        /// The unit.
        unit: String,
        /// What came back over D-Bus.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A driver that this node cannot have.
    #[error("cgroup driver {driver}: {why}")]
    Driver {
        /// Its name.
        driver: &'static str,
        /// The cause and the way out.
        why: &'static str,
    },
    /// No cgroup file system is mounted.
    #[error("no cgroup file system is mounted; mount cgroup2 at /sys/fs/cgroup")]
    NoHierarchy,
}

impl Error {
    /// The kind of this error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Path { .. } | Self::Value { .. } => Kind::Invalid,
            Self::Missing { .. } => Kind::Unsupported,
            Self::Busy { .. } => Kind::Busy,
            Self::Write { source, .. } | Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::OutOfMemory | io::ErrorKind::QuotaExceeded => {
                    Kind::Exhausted
                }
                io::ErrorKind::InvalidInput => Kind::Invalid,
                io::ErrorKind::NotFound => Kind::NotFound,
                io::ErrorKind::ResourceBusy => Kind::Busy,
                _ => Kind::Internal,
            },
            Self::Driver { .. } => Kind::Unsupported,
            Self::Unit { .. } | Self::NoHierarchy | Self::Devices { .. } | Self::Rare { .. } => {
                Kind::Internal
            }
        }
    }

    /// Whether the kernel found the value itself wrong.
    pub(crate) fn is_invalid_input(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::InvalidInput)
    }
}
