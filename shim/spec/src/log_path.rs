//! Where a container's log goes, without a way out of the pod's log directory.

use std::path::{Component, Path, PathBuf};

use proto::cri;

use crate::error::{Result, SpecError, quoted};

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
pub fn log_path(pod: &cri::PodSandboxConfig, container: &cri::ContainerConfig) -> Result<Option<LogPath>> {
    let (directory, file) = (pod.log_directory.as_str(), container.log_path.as_str());
    if directory.is_empty() || file.is_empty() {
        return Ok(None);
    }
    if !directory.starts_with('/') {
        return Err(bad("log_directory", directory, "it is not absolute"));
    }
    if file.starts_with('/') {
        return Err(bad("log_path", file, "it is not relative to the pod's log_directory"));
    }
    if file.ends_with('/') || file.ends_with("/.") {
        return Err(bad("log_path", file, "it is no name of a file"));
    }
    let file = plain("log_path", file)?;
    if file.as_os_str().is_empty() {
        return Err(bad("log_path", &container.log_path, "it is no name of a file"));
    }
    Ok(Some(LogPath { directory: Path::new("/").join(plain("log_directory", directory)?), file }))
}

/// The path without its root and "." parts.
fn plain(field: &str, path: &str) -> Result<PathBuf> {
    if path.len() > 4095 || path.chars().any(char::is_control) {
        return Err(bad(field, path, "it is too long or holds control characters"));
    }
    let mut plain = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => plain.push(part),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err(bad(field, path, "it climbs")),
        }
    }
    Ok(plain)
}

fn bad(field: &str, path: &str, cause: &str) -> SpecError {
    SpecError::invalid(format!("{field} {}", quoted(path)), cause, "use a plain path, such as \"name/0.log\"")
}

#[cfg(test)]
mod tests;
