//! SELinux labels of a process and of what is mounted for it.

use proto::cri;

use crate::error::{Result, SpecError, quoted};

/// "user:role:type:level", twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) process: String,
    pub(crate) mount: String,
}

/// The labels; `None` where the kernel does not enforce SELinux, whatever is asked for, as at the peers: kubelet sends
/// the options to every node.
///
/// Parts that are not given come from the container policy every distribution ships (container-selinux). Categories that
/// keep pods apart are the client's to give, as `level`.
pub(crate) fn labels(
    options: Option<&cri::SeLinuxOption>,
    privileged: bool,
    enforced: bool,
) -> Result<Option<Labels>> {
    if !enforced {
        return Ok(None);
    }
    let default = cri::SeLinuxOption::default();
    let options = options.unwrap_or(&default);
    let default_type = if privileged { "spc_t" } else { "container_t" };
    let user = part("user", &options.user, "system_u", "")?;
    let role = part("role", &options.role, "system_r", "")?;
    let kind = part("type", &options.r#type, default_type, "")?;
    let level = part("level", &options.level, "s0", ":,.-")?;
    Ok(Some(Labels {
        process: format!("{user}:{role}:{kind}:{level}"),
        mount: format!("{user}:object_r:container_file_t:{level}"),
    }))
}

/// One part: a word, or for the level a range ("s0-s1:c1,c3.c5").
fn part<'a>(field: &str, given: &'a str, default: &'a str, punctuation: &str) -> Result<&'a str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || punctuation.contains(c);
    if given.len() > 255 || !given.chars().all(plain) {
        return Err(SpecError::invalid(
            format!("SELinux {field} {}", quoted(given)),
            "it is no part of a label",
            "correct seLinuxOptions",
        ));
    }
    Ok(if given.is_empty() { default } else { given })
}
