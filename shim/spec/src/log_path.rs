//! Where a container's log goes, without a way out of the pod's log directory.

use std::path::PathBuf;

use proto::cri;

use crate::error::{Result, SpecError};

/// A checked log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// Absolute.
    pub directory: PathBuf,
    /// Below it, without "." and "..".
    pub file: PathBuf,
}

/// The log file of a container; `None` if the pod or the container has none.
///
/// # Errors
/// A path that is absolute where it must be relative or the reverse, climbs, or holds control characters.
pub fn log_path(_pod: &cri::PodSandboxConfig, _container: &cri::ContainerConfig) -> Result<Option<LogPath>> {
    Err(SpecError::unsupported("log", "not built yet", "wait"))
}
