//! From the command line of `berth run` to the pod and the container CRI is asked for.

use std::{collections::HashMap, env, path::Path};

use proto::cri::{
    ContainerConfig, ContainerMetadata, ImageSpec, Int64Value, KeyValue, LinuxContainerConfig,
    LinuxContainerResources, LinuxContainerSecurityContext, LinuxPodSandboxConfig,
    LinuxSandboxSecurityContext, NamespaceMode, NamespaceOption, PodSandboxConfig, PodSandboxMetadata,
    SecurityProfile, security_profile::ProfileType,
};

use super::{Args, name};
use crate::failure::{Failure, Result};

/// Marks pods and containers of `berth run`, so that removing one removes the other.
const OURS: &str = "berth.run";
/// Where the pod's logs are.
pub(super) const LOGS: &str = "berth.run/logs";
/// How the program's standard streams were made, for `berth attach`.
const STDIN: &str = "berth.run/stdin";
const TTY: &str = "berth.run/tty";

const LOG_ROOT: &str = "/var/log/berth";
const NAMESPACE: &str = "berth";
/// One CPU for one period of 100 ms.
const CPU_PERIOD: i64 = 100_000;

/// What Kubernetes hides from containers that are not privileged: kernel internals no program needs.
const MASKED: [&str; 12] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
/// What Kubernetes lets them read only.
const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// Whether `berth run` made what has these labels.
pub(crate) fn is_ours(labels: &HashMap<String, String>) -> bool {
    labels.contains_key(OURS)
}

/// Whether a path from an annotation is one that `pod` makes: only such a one may be removed.
pub(super) fn is_log_directory(path: &Path) -> bool {
    path.parent() == Some(Path::new(LOG_ROOT)) && path.file_name().is_some()
}

/// How the standard streams of a container's main process were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Interaction {
    pub(crate) stdin: bool,
    pub(crate) tty: bool,
}

impl Interaction {
    /// Of a container that `berth run` made; of others we know nothing.
    pub(crate) fn of(annotations: &HashMap<String, String>) -> Self {
        Self { stdin: annotations.contains_key(STDIN), tty: annotations.contains_key(TTY) }
    }
}

fn map<const N: usize>(pairs: [(&str, String); N]) -> HashMap<String, String> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(super) fn pod(args: &Args, name: &str) -> Result<PodSandboxConfig> {
    let uid = name::random_hex::<16>()?;
    let log_directory = format!("{LOG_ROOT}/{name}_{}", uid.get(..8).unwrap_or_default());
    Ok(PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: name.to_owned(),
            uid,
            namespace: NAMESPACE.to_owned(),
            attempt: 0,
        }),
        // A pod in the node's network has the node's host name.
        hostname: match &args.hostname {
            Some(hostname) => hostname.clone(),
            None if args.host_network => String::new(),
            None => name.to_owned(),
        },
        annotations: map([(LOGS, log_directory.clone())]),
        labels: map([(OURS, "true".to_owned())]),
        log_directory,
        port_mappings: args.publish.iter().map(super::Port::mapping).collect(),
        linux: Some(LinuxPodSandboxConfig {
            security_context: Some(LinuxSandboxSecurityContext {
                namespace_options: Some(namespaces(args)),
                privileged: args.privileged,
                seccomp: seccomp(args),
                ..LinuxSandboxSecurityContext::default()
            }),
            ..LinuxPodSandboxConfig::default()
        }),
        ..PodSandboxConfig::default()
    })
}

pub(super) fn container(args: &Args, name: &str, image: ImageSpec) -> Result<ContainerConfig> {
    let mut annotations = HashMap::new();
    for (key, _) in [(STDIN, args.interactive), (TTY, args.tty)].into_iter().filter(|(_, set)| *set) {
        annotations.insert(key.to_owned(), "true".to_owned());
    }
    Ok(ContainerConfig {
        metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
        image: Some(image),
        command: args.entrypoint.iter().cloned().collect(),
        args: args.words().to_vec(),
        working_dir: args.workdir.clone().unwrap_or_default(),
        envs: args.env.iter().map(|variable| variable_of(variable)).collect::<Result<_>>()?,
        mounts: args.volume.iter().map(super::Volume::mount).collect::<Result<_>>()?,
        labels: map([(OURS, "true".to_owned())]),
        annotations,
        log_path: "0.log".to_owned(),
        stdin: args.interactive,
        // The program sees the end of our input, and nobody else's.
        stdin_once: args.interactive && !args.tty,
        tty: args.tty,
        linux: Some(LinuxContainerConfig {
            resources: Some(LinuxContainerResources {
                cpu_period: args.cpus.map_or(0, |_| CPU_PERIOD),
                cpu_quota: args.cpus.unwrap_or_default(),
                memory_limit_in_bytes: args.memory.unwrap_or_default(),
                ..LinuxContainerResources::default()
            }),
            security_context: Some(security(args)?),
        }),
        ..ContainerConfig::default()
    })
}

fn security(args: &Args) -> Result<LinuxContainerSecurityContext> {
    let mut security = LinuxContainerSecurityContext {
        namespace_options: Some(namespaces(args)),
        privileged: args.privileged,
        readonly_rootfs: args.read_only,
        seccomp: seccomp(args),
        ..LinuxContainerSecurityContext::default()
    };
    if !args.privileged {
        security.masked_paths = MASKED.map(str::to_owned).to_vec();
        security.readonly_paths = READ_ONLY.map(str::to_owned).to_vec();
    }
    let Some(user) = &args.user else { return Ok(security) };
    let (user, group) =
        user.split_once(':').map_or((user.as_str(), None), |(user, group)| (user, Some(group)));
    match (user.parse::<u32>(), group.map(str::parse::<u32>)) {
        (Ok(uid), None) => security.run_as_user = Some(Int64Value { value: uid.into() }),
        (Ok(uid), Some(Ok(gid))) => {
            security.run_as_user = Some(Int64Value { value: uid.into() });
            security.run_as_group = Some(Int64Value { value: gid.into() });
        }
        (Err(_), None) if !user.is_empty() => user.clone_into(&mut security.run_as_username),
        _ => {
            let text = format!("{:?} is not a user", args.user.as_deref().unwrap_or_default());
            return Err(Failure::new(text).or_try("a name, a UID, or UID:GID"));
        }
    }
    Ok(security)
}

fn seccomp(args: &Args) -> Option<SecurityProfile> {
    let profile = if args.privileged { ProfileType::Unconfined } else { ProfileType::RuntimeDefault };
    Some(SecurityProfile { profile_type: profile as i32, localhost_ref: String::new() })
}

/// One container to a pod: it shares nothing but the network's place.
fn namespaces(args: &Args) -> NamespaceOption {
    let network = if args.host_network { NamespaceMode::Node } else { NamespaceMode::Pod };
    NamespaceOption {
        network: network as i32,
        pid: NamespaceMode::Container as i32,
        ipc: NamespaceMode::Pod as i32,
        ..NamespaceOption::default()
    }
}

fn variable_of(text: &str) -> Result<KeyValue> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, value.as_bytes().to_vec()),
        None => match env::var_os(text) {
            Some(value) => (text, std::os::unix::ffi::OsStringExt::into_vec(value)),
            None => {
                return Err(
                    Failure::new(format!("{text} is not set here")).or_try(format!("-e {text}=VALUE"))
                );
            }
        },
    };
    if key.is_empty() {
        return Err(Failure::new(format!("-e {text} names no variable")).or_try("-e KEY=VALUE"));
    }
    Ok(KeyValue { key: key.to_owned(), value })
}

#[cfg(test)]
mod tests;
