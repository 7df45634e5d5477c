//! Which AppArmor profile a process starts under.

use proto::cri::{self, security_profile::ProfileType};

use crate::{
    error::{Result, SpecError, quoted},
    input::Input,
};

/// A request for a profile.
enum Asked {
    RuntimeDefault,
    Unconfined,
    Localhost(String),
}

/// The profile to change to on exec; `None`: none.
///
/// Saying nothing means RuntimeDefault, as Kubernetes defines it; where the kernel has no AppArmor or the operator no
/// default profile that is none. A profile asked for by name is applied or the container is refused, also if privileged.
pub(crate) fn profile(
    input: &Input<'_>,
    security: &cri::LinuxContainerSecurityContext,
    privileged: bool,
) -> Result<Option<String>> {
    match asked(security)? {
        Asked::Unconfined => Ok(None),
        Asked::RuntimeDefault if privileged || !input.node.apparmor => Ok(None),
        Asked::RuntimeDefault => Ok(input.policy.apparmor_default.clone()),
        Asked::Localhost(name) => named(input, name).map(Some),
    }
}

fn named(input: &Input<'_>, name: String) -> Result<String> {
    let thing = || format!("AppArmor profile {}", quoted(&name));
    if !input.node.apparmor {
        return Err(SpecError::unsupported(
            thing(),
            "this node's kernel does not enforce AppArmor",
            "run the pod on a node that does, or remove the profile",
        ));
    }
    match input.host.apparmor_loaded(&name) {
        Ok(true) => Ok(name),
        Ok(false) => Err(SpecError::not_found(
            thing(),
            "it is not loaded on this node",
            "load it with apparmor_parser, or correct localhostProfile",
        )),
        Err(error) => Err(SpecError::not_found(
            thing(),
            "the node's list of profiles cannot be read",
            "mount securityfs on the node",
        )
        .because(error)),
    }
}

/// The field, else its deprecated twin.
fn asked(security: &cri::LinuxContainerSecurityContext) -> Result<Asked> {
    if let Some(profile) = &security.apparmor {
        return match ProfileType::try_from(profile.profile_type) {
            Ok(ProfileType::RuntimeDefault) => Ok(Asked::RuntimeDefault),
            Ok(ProfileType::Unconfined) => Ok(Asked::Unconfined),
            Ok(ProfileType::Localhost) => localhost(&profile.localhost_ref),
            Err(_) => Err(unknown(&profile.profile_type.to_string())),
        };
    }
    #[expect(deprecated, reason = "old clients, and critest, still send it")]
    let text = security.apparmor_profile.as_str();
    match text {
        "" | "runtime/default" => Ok(Asked::RuntimeDefault),
        "unconfined" => Ok(Asked::Unconfined),
        text if text.starts_with("localhost/") => localhost(text),
        text => Err(unknown(text)),
    }
}

/// The name goes into one write to /proc/self/attr, so it must be one line and no command of that file.
fn localhost(text: &str) -> Result<Asked> {
    let name = text.strip_prefix("localhost/").unwrap_or(text);
    if name.is_empty() || name.len() > 4000 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(SpecError::invalid(
            format!("AppArmor profile {}", quoted(text)),
            "it is no name of a profile",
            "use a name listed in /sys/kernel/security/apparmor/profiles",
        ));
    }
    Ok(Asked::Localhost(name.to_owned()))
}

fn unknown(text: &str) -> SpecError {
    SpecError::invalid(
        format!("AppArmor profile {}", quoted(text)),
        "there is no such kind of profile",
        "use RuntimeDefault, Unconfined or Localhost",
    )
}
