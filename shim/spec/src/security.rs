//! What confines a process besides capabilities and its filter: no_new_privs, hidden paths, AppArmor, SELinux.

mod apparmor;
mod selinux;

use proto::cri;

use crate::{
    error::{Result, SpecError, quoted},
    input::{Input, NodeFacts, Policy},
};
pub(crate) use apparmor::profile as apparmor_profile;
pub(crate) use selinux::labels as selinux_labels;

/// Whether the container is privileged, which its pod must be as well: kubelet decides it per pod first, and a client
/// that may only make unprivileged pods must not get further by asking for the container.
pub(crate) fn privileged(input: &Input<'_>, security: &cri::LinuxContainerSecurityContext) -> Result<bool> {
    let pod = input.pod.linux.as_ref().and_then(|linux| linux.security_context.as_ref());
    if security.privileged && !pod.is_some_and(|pod| pod.privileged) {
        return Err(SpecError::invalid(
            "privileged",
            "the container asks for it and its pod does not",
            "set security_context.privileged of the pod as well",
        ));
    }
    Ok(security.privileged)
}

/// Whether execve can give the process more than it has.
pub(crate) fn no_new_privileges(
    security: &cri::LinuxContainerSecurityContext,
    uid: u32,
    privileged: bool,
    policy: &Policy,
) -> bool {
    security.no_new_privs || (policy.no_new_privs_for_non_root && uid != 0 && !privileged)
}

/// Files that tell about other tenants or the machine, or let a reader slow it down.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Files of the whole machine that root in a container could write.
const READONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Paths to be hidden and paths to be read only.
///
/// What a request lists is added to ours, for kubelet's own list changes from release to release and a short list is no
/// wish to see more. A pod with `procMount: Unmasked` sends empty lists and must have a user namespace; without one (all
/// clients that leave the fields out) empty means ours.
pub(crate) fn hidden_paths(
    security: &cri::LinuxContainerSecurityContext,
    privileged: bool,
    node: &NodeFacts,
) -> Result<(Vec<String>, Vec<String>)> {
    if privileged {
        return Ok((Vec::new(), Vec::new()));
    }
    let ours = MASKED.iter().map(|path| (*path).to_owned()).chain(node.cpu_throttle_dirs.iter().cloned());
    let masked = union(ours, &security.masked_paths, "masked_paths")?;
    let readonly =
        union(READONLY.iter().map(|path| (*path).to_owned()), &security.readonly_paths, "readonly_paths")?;
    Ok((masked, readonly))
}

fn union(ours: impl Iterator<Item = String>, asked: &[String], field: &str) -> Result<Vec<String>> {
    let mut paths: Vec<String> = ours.collect();
    for path in asked {
        let climbs = path.split('/').any(|part| part == "..");
        if !path.starts_with('/') || path.len() > 4095 || climbs || path.chars().any(char::is_control) {
            return Err(SpecError::invalid(
                format!("{field} {}", quoted(path)),
                "it is not a plain absolute path",
                "correct it",
            ));
        }
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests;
