//! A made-up machine, pod and container for the tests of this crate.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use proto::cri;

use crate::{
    CapabilitySet, Found, Host, HostDevice, ImageFacts, ImageVolume, Input, NodeFacts, Paths, Policy,
    ResolvedMount, UserFiles, seccomp::Cache,
};

pub(crate) const POD_ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const CONTAINER_ID: &str = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/var/www:/bin/sh\n";
const GROUP: &[u8] = b"root:x:0:\nweb:x:33:\nlogs:x:50:web\n";

/// A machine with everything.
pub(crate) fn node() -> NodeFacts {
    NodeFacts {
        bounding: CapabilitySet::ALL,
        cgroup_v2: true,
        swap_limit: true,
        hugepage_sizes: vec!["2MB".into(), "1GB".into()],
        apparmor: true,
        selinux: false,
        kernel: (6, 12),
        hostname: "node-1".into(),
        min_oom_score_adj: -1000,
        cpu_throttle_dirs: vec!["/sys/devices/system/cpu/cpu0/thermal_throttle".into()],
    }
}

/// Device nodes and profiles of that machine.
#[derive(Debug, Default)]
pub(crate) struct FakeHost {
    pub(crate) found: BTreeMap<PathBuf, Found>,
    pub(crate) profiles: Vec<String>,
}

impl Host for FakeHost {
    fn device(&self, path: &Path) -> io::Result<Found> {
        self.found.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        if path.starts_with("/absent") { Err(io::ErrorKind::NotFound.into()) } else { Ok(path.to_owned()) }
    }

    fn all_devices(&self) -> io::Result<Vec<HostDevice>> {
        Ok(vec![device("/dev/fuse", 10, 229, 0o666), device("/dev/kvm", 10, 232, 0o660)])
    }

    fn apparmor_loaded(&self, profile: &str) -> io::Result<bool> {
        Ok(self.profiles.iter().any(|loaded| loaded == profile))
    }
}

/// A character device of root.
pub(crate) fn device(path: &str, major: u32, minor: u32, mode: u32) -> HostDevice {
    HostDevice { path: path.into(), block: false, major, minor, mode, uid: 0, gid: 0 }
}

/// All that an [`Input`] borrows.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) pod: cri::PodSandboxConfig,
    pub(crate) container: cri::ContainerConfig,
    pub(crate) image: ImageFacts,
    pub(crate) node: NodeFacts,
    pub(crate) policy: Policy,
    pub(crate) paths: Paths,
    pub(crate) mounts: Vec<ResolvedMount>,
    pub(crate) volumes: Vec<ImageVolume>,
    pub(crate) cdi: Vec<crate::cdi::Device>,
    pub(crate) profile: Option<Vec<u8>>,
    pub(crate) host: FakeHost,
    pub(crate) filters: Cache,
}

// === impl Case ===

impl Default for Case {
    fn default() -> Self {
        Self {
            pod: pod(),
            container: container(),
            image: image(),
            node: node(),
            policy: Policy::default(),
            paths: paths(),
            mounts: Vec::new(),
            volumes: Vec::new(),
            cdi: Vec::new(),
            profile: None,
            host: FakeHost::default(),
            filters: Cache::default(),
        }
    }
}

impl Case {
    pub(crate) fn input(&self) -> Input<'_> {
        Input {
            pod_id: POD_ID,
            container_id: CONTAINER_ID,
            pod: &self.pod,
            container: &self.container,
            image: &self.image,
            users: UserFiles { passwd: Some(PASSWD), group: Some(GROUP) },
            node: &self.node,
            policy: &self.policy,
            paths: &self.paths,
            mounts: &self.mounts,
            volumes: &self.volumes,
            cdi: &self.cdi,
            seccomp_profile: self.profile.as_deref(),
            host: &self.host,
            filters: &self.filters,
        }
    }

    pub(crate) fn security(&mut self) -> &mut cri::LinuxContainerSecurityContext {
        let linux = self.container.linux.get_or_insert_default();
        linux.security_context.get_or_insert_default()
    }

    pub(crate) fn pod_security(&mut self) -> &mut cri::LinuxSandboxSecurityContext {
        let linux = self.pod.linux.get_or_insert_default();
        linux.security_context.get_or_insert_default()
    }

    /// Adds a CRI mount whose host path is what it resolves to.
    pub(crate) fn mount(&mut self, mount: cri::Mount) {
        let host_path = PathBuf::from(&mount.host_path);
        self.mounts.push(ResolvedMount { host_path, ..ResolvedMount::default() });
        self.container.mounts.push(mount);
    }
}

fn pod() -> cri::PodSandboxConfig {
    cri::PodSandboxConfig {
        metadata: Some(cri::PodSandboxMetadata {
            name: "web".into(),
            uid: "1b4e28ba".into(),
            namespace: "default".into(),
            attempt: 0,
        }),
        hostname: "web".into(),
        log_directory: "/var/log/pods/default_web_1b4e28ba".into(),
        linux: Some(cri::LinuxPodSandboxConfig {
            cgroup_parent: "/kubepods/pod1".into(),
            security_context: Some(cri::LinuxSandboxSecurityContext {
                namespace_options: Some(cri::NamespaceOption {
                    pid: cri::NamespaceMode::Container.into(),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn container() -> cri::ContainerConfig {
    cri::ContainerConfig {
        metadata: Some(cri::ContainerMetadata { name: "nginx".into(), attempt: 0 }),
        image: Some(cri::ImageSpec { image: "sha256:1234".into(), ..Default::default() }),
        envs: vec![cri::KeyValue { key: "GREETING".into(), value: b"hello".to_vec() }],
        log_path: "nginx/0.log".into(),
        ..Default::default()
    }
}

fn image() -> ImageFacts {
    ImageFacts {
        name: "docker.io/library/nginx:1".into(),
        id: "sha256:1234".into(),
        entrypoint: vec!["/docker-entrypoint.sh".into()],
        cmd: vec!["nginx".into(), "-g".into(), "daemon off;".into()],
        env: vec!["PATH=/usr/sbin:/usr/bin:/sbin:/bin".into(), "NGINX_VERSION=1".into()],
        ..Default::default()
    }
}

fn paths() -> Paths {
    let pod = "/var/lib/berth/pods/aaaa";
    let container = "/var/lib/berth/containers/cccc";
    Paths {
        rootfs: format!("{container}/rootfs").into(),
        lower_dirs: vec![
            "/var/lib/berth/images/layers/2/fs".into(),
            "/var/lib/berth/images/layers/1/fs".into(),
        ],
        upper_dir: format!("{container}/upper").into(),
        work_dir: format!("{container}/work").into(),
        hosts: Some(format!("{pod}/hosts").into()),
        resolv_conf: Some(format!("{pod}/resolv.conf").into()),
        hostname: Some(format!("{pod}/hostname").into()),
        shm: "/run/berth/pods/aaaa/shm".into(),
        network_namespace: Some("/proc/4242/ns/net".into()),
        ipc_namespace: Some("/proc/4242/ns/ipc".into()),
        uts_namespace: Some("/proc/4242/ns/uts".into()),
        pid_namespace: None,
        target_pid_namespace: None,
        cgroup: "/kubepods/pod1/cccc".into(),
        cgroup_dirs: vec!["/sys/fs/cgroup/kubepods/pod1/cccc".into()],
    }
}
