//! Small builders for the two big CRI messages: what a test says is what differs from the usual.

use std::path::PathBuf;

use proto::cri::{
    Capability, ContainerConfig, ContainerMetadata, DnsConfig, ImageSpec, Int64Value, KeyValue,
    LinuxContainerConfig, LinuxContainerResources, LinuxContainerSecurityContext, LinuxPodSandboxConfig,
    LinuxSandboxSecurityContext, Mount, NamespaceMode, NamespaceOption, PodSandboxConfig, PodSandboxMetadata,
    PortMapping, SecurityProfile,
};

/// A pod to be: `config` may be changed freely.
#[derive(Debug, Clone)]
pub struct Pod {
    /// What goes over the wire.
    pub config: PodSandboxConfig,
}

/// A pod as kubelet would ask for: own network, IPC and, for each container, PID namespace.
pub fn pod(name: &str) -> Pod {
    let mut config = PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            namespace: "default".to_owned(),
            attempt: 0,
        }),
        hostname: name.to_owned(),
        ..Default::default()
    };
    config.labels.insert("name".to_owned(), name.to_owned());
    Pod { config }.namespaces(NamespaceMode::Pod, NamespaceMode::Container, NamespaceMode::Pod)
}

impl Pod {
    /// Network, PID and IPC.
    #[must_use]
    pub fn namespaces(mut self, network: NamespaceMode, pid: NamespaceMode, ipc: NamespaceMode) -> Self {
        self.security().namespace_options = Some(options(network, pid, ipc));
        self
    }

    /// The host's network.
    #[must_use]
    pub fn host_network(mut self) -> Self {
        self.config.hostname.clear();
        self.namespaces(NamespaceMode::Node, NamespaceMode::Container, NamespaceMode::Pod)
    }

    /// One PID namespace for all its containers.
    #[must_use]
    pub fn shared_pid(self) -> Self {
        self.namespaces(NamespaceMode::Pod, NamespaceMode::Pod, NamespaceMode::Pod)
    }

    /// Forwards a TCP port of the node.
    #[must_use]
    pub fn host_port(mut self, host: u16, container: u16) -> Self {
        let mapping = PortMapping {
            host_port: i32::from(host),
            container_port: i32::from(container),
            ..Default::default()
        };
        self.config.port_mappings.push(mapping);
        self
    }

    /// Sets a namespaced kernel parameter.
    #[must_use]
    pub fn sysctl(mut self, name: &str, value: &str) -> Self {
        self.linux().sysctls.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Where the containers' cgroups go.
    #[must_use]
    pub fn cgroup_parent(mut self, path: &str) -> Self {
        path.clone_into(&mut self.linux().cgroup_parent);
        self
    }

    /// Name servers, search domains and options of resolv.conf.
    #[must_use]
    pub fn dns(mut self, servers: &[&str], searches: &[&str], options: &[&str]) -> Self {
        let [servers, searches, options] = [servers, searches, options].map(strings);
        self.config.dns_config = Some(DnsConfig { servers, searches, options });
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.config.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same pod, as kubelet makes it anew after a failure.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.config.metadata.get_or_insert_default().attempt = attempt;
        self
    }

    /// The host name.
    #[must_use]
    pub fn hostname(mut self, name: &str) -> Self {
        name.clone_into(&mut self.config.hostname);
        self
    }

    /// The Linux part.
    pub fn linux(&mut self) -> &mut LinuxPodSandboxConfig {
        self.config.linux.get_or_insert_default()
    }

    /// The security part of the Linux part.
    pub fn security(&mut self) -> &mut LinuxSandboxSecurityContext {
        self.linux().security_context.get_or_insert_default()
    }

    pub(crate) fn namespace_options(&self) -> Option<NamespaceOption> {
        self.config.linux.as_ref()?.security_context.as_ref()?.namespace_options.clone()
    }
}

/// A container to be: `config` may be changed freely.
#[derive(Debug, Clone)]
pub struct Container {
    /// What goes over the wire.
    pub config: ContainerConfig,
}

/// A container of the busybox image that logs to `<name>.log`.
pub fn container(name: &str) -> Container {
    let config = ContainerConfig {
        metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
        log_path: format!("{name}.log"),
        ..Default::default()
    };
    Container { config }
}

impl Container {
    /// The image, by whatever name.
    #[must_use]
    pub fn image(mut self, image: &str) -> Self {
        let image = image.to_owned();
        self.config.image =
            Some(ImageSpec { user_specified_image: image.clone(), image, ..Default::default() });
        self
    }

    /// Replaces the image's entry point (and with it its arguments).
    #[must_use]
    pub fn command<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.config.command = strings(&words);
        self
    }

    /// A line of shell.
    #[must_use]
    pub fn shell(self, line: &str) -> Self {
        self.command(["sh", "-c", line])
    }

    /// Replaces the image's arguments.
    #[must_use]
    pub fn arguments<const N: usize>(mut self, words: [&str; N]) -> Self {
        self.config.args = strings(&words);
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.config.envs.push(KeyValue { key: key.to_owned(), value: value.as_ref().to_vec() });
        self
    }

    /// Bind-mounts a path of the host.
    #[must_use]
    pub fn mount(mut self, host: impl Into<PathBuf>, path: &str, readonly: bool) -> Self {
        let host_path = host.into().to_string_lossy().into_owned();
        self.config.mounts.push(Mount {
            host_path,
            container_path: path.to_owned(),
            readonly,
            ..Default::default()
        });
        self
    }

    /// Runs as this user, and this group if given.
    #[must_use]
    pub fn user(mut self, uid: i64, gid: Option<i64>) -> Self {
        self.security().run_as_user = Some(Int64Value { value: uid });
        self.security().run_as_group = gid.map(|value| Int64Value { value });
        self
    }

    /// Runs as the user of this name in the image.
    #[must_use]
    pub fn username(mut self, name: &str) -> Self {
        name.clone_into(&mut self.security().run_as_username);
        self
    }

    /// Adds and drops capabilities.
    #[must_use]
    pub fn capabilities(mut self, add: &[&str], drop: &[&str]) -> Self {
        let [add_capabilities, drop_capabilities] = [add, drop].map(strings);
        self.security().capabilities =
            Some(Capability { add_capabilities, drop_capabilities, add_ambient_capabilities: Vec::new() });
        self
    }

    /// Sets the seccomp profile.
    #[must_use]
    pub fn seccomp(mut self, profile: SecurityProfile) -> Self {
        self.security().seccomp = Some(profile);
        self
    }

    /// Network, PID and IPC, where they differ from the pod's.
    #[must_use]
    pub fn namespaces(mut self, network: NamespaceMode, pid: NamespaceMode, ipc: NamespaceMode) -> Self {
        self.security().namespace_options = Some(options(network, pid, ipc));
        self
    }

    /// Limits memory.
    #[must_use]
    pub fn memory(mut self, bytes: i64) -> Self {
        self.resources().memory_limit_in_bytes = bytes;
        self
    }

    /// Keeps standard input open; `once`: until the first client that attached to it leaves.
    #[must_use]
    pub fn stdin(mut self, once: bool) -> Self {
        self.config.stdin = true;
        self.config.stdin_once = once;
        self
    }

    /// Gives it a terminal.
    #[must_use]
    pub fn tty(mut self) -> Self {
        self.config.tty = true;
        self
    }

    /// A label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.config.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The Linux part.
    pub fn linux(&mut self) -> &mut LinuxContainerConfig {
        self.config.linux.get_or_insert_default()
    }

    /// The security part of the Linux part.
    pub fn security(&mut self) -> &mut LinuxContainerSecurityContext {
        self.linux().security_context.get_or_insert_default()
    }

    /// The resources of the Linux part.
    pub fn resources(&mut self) -> &mut LinuxContainerResources {
        self.linux().resources.get_or_insert_default()
    }

    /// What goes over the wire for a container of `pod`: busybox unless an image was named, the pod's namespaces unless
    /// others were, as kubelet fills them in.
    pub fn for_pod(&self, pod: &Pod) -> ContainerConfig {
        let mut filled = self.clone();
        if filled.config.image.is_none() {
            filled = filled.image("busybox");
        }
        if filled.security().namespace_options.is_none() {
            filled.security().namespace_options = pod.namespace_options();
        }
        filled.config
    }
}

fn options(network: NamespaceMode, pid: NamespaceMode, ipc: NamespaceMode) -> NamespaceOption {
    NamespaceOption {
        network: network.into(),
        pid: pid.into(),
        ipc: ipc.into(),
        target_id: String::new(),
        userns_options: None,
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
