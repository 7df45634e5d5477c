//! System call filters: our own default profile, profiles from files, and the compiler for both.

mod arch;
mod bpf;
mod compile;
mod profile;
mod runtime_default;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use oci_spec::runtime::LinuxSeccomp;
use proto::cri::{self, security_profile::ProfileType};

use crate::{
    capabilities::CapabilitySet,
    error::{Result, SpecError, quoted},
    input::{Input, Policy, UnsetSeccomp},
};
pub use profile::PROFILE_LIMIT;

/// A compiled filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// `struct sock_filter[]`, native byte order.
    pub program: Vec<u8>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
}

/// Compiled filters by profile: nearly all containers of a node share two or three. What depends on the container
/// (capabilities) has become part of the profile by the time it gets here, so equal profiles mean equal filters.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<Vec<(LinuxSeccomp, Arc<Filter>)>>,
}

/// Enough for every combination of profile and capabilities a node is likely to see; a search compares them all.
const CACHE_LIMIT: usize = 32;

// === impl Cache ===

impl Cache {
    /// The filter for a profile, compiled now or earlier.
    ///
    /// # Errors
    /// A profile this kernel or this version of Berth has no means for.
    pub fn filter(&self, profile: &LinuxSeccomp) -> Result<Arc<Filter>> {
        // A panic elsewhere cannot leave the list half changed.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = entries.iter().position(|(known, _)| known == profile) {
            entries[..=place].rotate_right(1);
            return Ok(Arc::clone(&entries[0].1));
        }
        drop(entries);
        let filter = Arc::new(compile::compile(profile)?);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(0, (profile.clone(), Arc::clone(&filter)));
        entries.truncate(CACHE_LIMIT);
        Ok(filter)
    }
}

/// Which profile a container has.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    Unconfined,
    RuntimeDefault,
    Localhost(PathBuf),
}

/// The file whose bytes [`Input::seccomp_profile`](crate::Input) must hold, if this container's profile is in one. The
/// daemon reads at most [`PROFILE_LIMIT`] bytes of a regular file.
///
/// # Errors
/// A profile of no known form, or a path that is not absolute.
pub fn seccomp_profile_path(container: &cri::ContainerConfig) -> Result<Option<PathBuf>> {
    match choice(security(container), UnsetSeccomp::Unconfined)? {
        Choice::Localhost(path) => Ok(Some(path)),
        Choice::Unconfined | Choice::RuntimeDefault => Ok(None),
    }
}

/// The profile of a container whose bounding set is `capabilities`; `None`: unconfined.
pub(crate) fn section(input: &Input<'_>, capabilities: CapabilitySet) -> Result<Option<LinuxSeccomp>> {
    let Policy { unset_seccomp, allow_socketcall, .. } = *input.policy;
    match choice(security(input.container), unset_seccomp)? {
        Choice::Unconfined => Ok(None),
        Choice::RuntimeDefault => runtime_default::profile(capabilities, allow_socketcall).map(Some),
        Choice::Localhost(path) => {
            let Some(bytes) = input.seccomp_profile else {
                return Err(SpecError::internal(
                    "the seccomp profile",
                    format!("{} was not read", path.display()),
                ));
            };
            let circumstances = profile::Circumstances { capabilities, kernel: input.node.kernel };
            profile::parse(bytes, circumstances).map(Some).map_err(|error| named(error, &path))
        }
    }
}

/// An error about a profile names its file.
fn named(error: SpecError, path: &std::path::Path) -> SpecError {
    match error {
        SpecError::Invalid { thing, cause, way_out, source } => {
            SpecError::Invalid { thing: format!("{thing} {}", path.display()), cause, way_out, source }
        }
        other => other,
    }
}

fn security(container: &cri::ContainerConfig) -> cri::LinuxContainerSecurityContext {
    container.linux.as_ref().and_then(|linux| linux.security_context.clone()).unwrap_or_default()
}

/// The field, else its deprecated twin; a privileged container is never filtered.
fn choice(security: cri::LinuxContainerSecurityContext, unset: UnsetSeccomp) -> Result<Choice> {
    if security.privileged {
        return Ok(Choice::Unconfined);
    }
    if let Some(profile) = &security.seccomp {
        return match ProfileType::try_from(profile.profile_type) {
            Ok(ProfileType::RuntimeDefault) => Ok(Choice::RuntimeDefault),
            Ok(ProfileType::Unconfined) => Ok(Choice::Unconfined),
            Ok(ProfileType::Localhost) => localhost(&profile.localhost_ref),
            Err(_) => Err(unknown(&profile.profile_type.to_string())),
        };
    }
    #[expect(deprecated, reason = "old clients, and critest, still send it")]
    let text = security.seccomp_profile_path;
    match text.as_str() {
        "" => Ok(match unset {
            UnsetSeccomp::Unconfined => Choice::Unconfined,
            UnsetSeccomp::RuntimeDefault => Choice::RuntimeDefault,
        }),
        "unconfined" => Ok(Choice::Unconfined),
        "runtime/default" | "docker/default" => Ok(Choice::RuntimeDefault),
        text => text.strip_prefix("localhost/").map_or_else(|| Err(unknown(text)), localhost),
    }
}

fn localhost(path: &str) -> Result<Choice> {
    let climbs = path.split('/').any(|part| part == "..");
    if !path.starts_with('/') || path.len() > 4095 || climbs || path.chars().any(char::is_control) {
        return Err(SpecError::invalid(
            format!("seccomp profile {}", quoted(path)),
            "it is not the absolute path of a file",
            "use the path kubelet makes of localhostProfile",
        ));
    }
    Ok(Choice::Localhost(PathBuf::from(path)))
}

fn unknown(text: &str) -> SpecError {
    SpecError::invalid(
        format!("seccomp profile {}", quoted(text)),
        "there is no such kind of profile",
        "use RuntimeDefault, Unconfined or Localhost",
    )
}

#[cfg(test)]
mod tests;
