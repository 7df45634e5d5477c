//! System call filters: our own default profile, profiles from files, and the compiler for both.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use oci_spec::runtime::LinuxSeccomp;
use proto::cri;

use crate::error::{Result, SpecError};

/// A compiled filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `struct sock_filter[]`, native byte order.
    pub program: Vec<u8>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
}

/// Compiled filters by profile: nearly all containers of a node share two or three.
#[derive(Debug, Default)]
pub struct Cache {
    _entries: Mutex<Vec<(LinuxSeccomp, Arc<Filter>)>>,
}

/// The file whose bytes [`Input::seccomp_profile`](crate::Input) must hold, if this container's profile is in one. The
/// daemon reads at most `PROFILE_LIMIT` bytes of a regular file.
///
/// # Errors
/// A profile of no known form, or a path that is not absolute.
pub fn seccomp_profile_path(_container: &cri::ContainerConfig) -> Result<Option<PathBuf>> {
    Err(SpecError::unsupported("seccomp", "not built yet", "wait"))
}
