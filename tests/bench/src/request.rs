//! The pods and containers to ask for: what kubelet sends for an ordinary pod with limits.
use std::collections::HashMap;
use std::path::Path;

use proto::cri::security_profile::ProfileType;
use proto::cri::{
    ContainerConfig, ContainerMetadata, ImageSpec, KeyValue, LinuxContainerConfig, LinuxContainerResources,
    LinuxContainerSecurityContext, LinuxPodSandboxConfig, LinuxSandboxSecurityContext, NamespaceMode,
    NamespaceOption, PodSandboxConfig, PodSandboxMetadata, SecurityProfile,
};

use crate::args::{Args, Seccomp};

/// On every pod we make, so that those of a killed run can be found.
pub(crate) const LABEL: &str = "berth-bench";
/// Names the run, so that a run removes no pods but its own.
pub(crate) const RUN_LABEL: &str = "berth-bench-run";

/// What Kubernetes hides and write-protects in /proc and /sys unless told otherwise.
const MASKED: [&str; 10] = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];
const READONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What all pods of a run have in common.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) run: String,
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
    pub(crate) exec: Vec<String>,
    seccomp: ProfileType,
    network: NamespaceMode,
}

impl Work {
    pub(crate) fn new(args: &Args, run: String) -> Self {
        Self {
            run,
            image: args.image.clone(),
            command: args.command.0.clone(),
            exec: args.exec.0.clone(),
            seccomp: match args.seccomp {
                Seccomp::RuntimeDefault => ProfileType::RuntimeDefault,
                Seccomp::Unconfined => ProfileType::Unconfined,
            },
            network: if args.host_network { NamespaceMode::Node } else { NamespaceMode::Pod },
        }
    }

    pub(crate) fn pod(&self, name: &str, cgroup_parent: String, logs: &Path) -> PodSandboxConfig {
        let hostname = if self.network == NamespaceMode::Node { "" } else { name };
        PodSandboxConfig {
            metadata: Some(PodSandboxMetadata {
                name: name.to_owned(),
                uid: format!("{}-{name}", self.run),
                namespace: "berth-bench".to_owned(),
                attempt: 0,
            }),
            hostname: hostname.to_owned(),
            log_directory: logs.to_string_lossy().into_owned(),
            labels: self.labels(),
            linux: Some(LinuxPodSandboxConfig {
                cgroup_parent,
                security_context: Some(LinuxSandboxSecurityContext {
                    namespace_options: Some(self.namespaces()),
                    seccomp: Some(self.profile()),
                    ..LinuxSandboxSecurityContext::default()
                }),
                ..LinuxPodSandboxConfig::default()
            }),
            ..PodSandboxConfig::default()
        }
    }

    /// `image_id` is what PullImage returned, as kubelet hands it on.
    pub(crate) fn container(&self, image_id: &str) -> ContainerConfig {
        ContainerConfig {
            metadata: Some(ContainerMetadata { name: "main".to_owned(), attempt: 0 }),
            image: Some(ImageSpec {
                image: image_id.to_owned(),
                user_specified_image: self.image.clone(),
                ..ImageSpec::default()
            }),
            command: self.command.clone(),
            envs: vec![KeyValue { key: "BERTH_BENCH".to_owned(), value: self.run.clone().into() }],
            labels: self.labels(),
            log_path: "main/0.log".to_owned(),
            linux: Some(LinuxContainerConfig {
                resources: Some(LinuxContainerResources {
                    cpu_period: 100_000,
                    cpu_quota: 50_000,
                    cpu_shares: 512,
                    memory_limit_in_bytes: 256 << 20,
                    oom_score_adj: 500,
                    ..LinuxContainerResources::default()
                }),
                security_context: Some(LinuxContainerSecurityContext {
                    namespace_options: Some(self.namespaces()),
                    masked_paths: MASKED.map(str::to_owned).to_vec(),
                    readonly_paths: READONLY.map(str::to_owned).to_vec(),
                    seccomp: Some(self.profile()),
                    ..LinuxContainerSecurityContext::default()
                }),
            }),
            ..ContainerConfig::default()
        }
    }

    pub(crate) fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(LABEL.to_owned(), "yes".to_owned()), (RUN_LABEL.to_owned(), self.run.clone())])
    }

    fn namespaces(&self) -> NamespaceOption {
        NamespaceOption {
            network: self.network.into(),
            pid: NamespaceMode::Container.into(),
            ipc: NamespaceMode::Pod.into(),
            ..NamespaceOption::default()
        }
    }

    fn profile(&self) -> SecurityProfile {
        SecurityProfile { profile_type: self.seccomp.into(), localhost_ref: String::new() }
    }
}

pub(crate) fn image(name: &str) -> Option<ImageSpec> {
    Some(ImageSpec { image: name.to_owned(), ..ImageSpec::default() })
}
