//! Everything a container's spec is made of, gathered by the daemon beforehand so that making it needs no I/O.

use std::path::PathBuf;

use proto::cri;

use crate::{capabilities::CapabilitySet, host::Host, seccomp::Cache};

/// One container to be made.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// 64 lower-case hex digits.
    pub pod_id: &'a str,
    /// 64 lower-case hex digits.
    pub container_id: &'a str,
    /// What the pod was made with. Its network, IPC and UTS namespaces count, whatever the container says.
    pub pod: &'a cri::PodSandboxConfig,
    /// What is asked for.
    pub container: &'a cri::ContainerConfig,
    /// What the image says about itself; hostile.
    pub image: &'a ImageFacts,
    /// The image's user database; hostile.
    pub users: UserFiles<'a>,
    /// What this machine can do.
    pub node: &'a NodeFacts,
    /// What the operator decided.
    pub policy: &'a Policy,
    /// Where the daemon put things.
    pub paths: &'a Paths,
    /// The host side of `container.mounts`, entry by entry in the same order.
    pub mounts: &'a [ResolvedMount],
    /// Directories the daemon made for image volumes (see [`image_volumes`](crate::image_volumes)); an image volume that
    /// is not listed here stays a plain directory of the container's root.
    pub volumes: &'a [ImageVolume],
    /// What the CDI devices it asks for bring, from [`cdi::Registry`](crate::cdi::Registry).
    pub cdi: &'a [crate::cdi::Device],
    /// The bytes of the file that [`seccomp_profile_path`](crate::seccomp_profile_path) names, if it names one.
    pub seccomp_profile: Option<&'a [u8]>,
    /// Answers questions about device nodes and loaded AppArmor profiles; asked only when the request needs it.
    pub host: &'a dyn Host,
    /// Compiled filters of earlier containers.
    pub filters: &'a Cache,
}

/// The image's config, as far as it bears on the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// What the user called it; named in errors.
    pub name: String,
    /// Config digest, "sha256:…".
    pub id: String,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`.
    pub cmd: Vec<String>,
    /// `Env`, each "KEY=value".
    pub env: Vec<String>,
    /// `WorkingDir`; empty when unset.
    pub working_dir: String,
    /// `User`: "", "u", "u:g", ids or names.
    pub user: String,
    /// `Volumes`: the keys of that object.
    pub volumes: Vec<String>,
    /// `StopSignal`; empty when unset.
    pub stop_signal: String,
}

/// The image's user database, read by the daemon through the root (regular files only, at most
/// [`FILE_LIMIT`](crate::user::FILE_LIMIT) bytes). `None`: the image has no such file.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserFiles<'a> {
    /// `/etc/passwd`.
    pub passwd: Option<&'a [u8]>,
    /// `/etc/group`.
    pub group: Option<&'a [u8]>,
}

/// What this machine can do. [`NodeFacts::detect`] finds out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// The daemon's own bounding set: no container can get more.
    pub bounding: CapabilitySet,
    /// Cgroup controllers are those of v2 (in a hybrid layout they are v1's).
    pub cgroup_v2: bool,
    /// Memory and swap can be limited together (v1 `memory.memsw.*`, v2 `memory.swap.max`).
    pub swap_limit: bool,
    /// Page sizes of the hugetlb controller, "2MB", "1GB"; empty when there is no such controller.
    pub hugepage_sizes: Vec<String>,
    /// The kernel enforces AppArmor.
    pub apparmor: bool,
    /// The kernel enforces SELinux.
    pub selinux: bool,
    /// Major and minor version, for seccomp profiles with `minKernel`.
    pub kernel: (u32, u32),
    /// The machine's host name: HOSTNAME of pods in the host's network.
    pub hostname: String,
    /// The lowest `oom_score_adj` the daemon may give; −1000 except in a user namespace.
    pub min_oom_score_adj: i32,
    /// Directories below `/sys/devices/system/cpu` that tell of other tenants' load (`thermal_throttle`), to be masked.
    pub cpu_throttle_dirs: Vec<String>,
}

/// What the operator decided; the defaults are those of the shipped configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What an unprivileged container gets that asks for nothing.
    pub default_capabilities: CapabilitySet,
    /// What a container without a seccomp profile gets. CRI says nothing means unconfined; kubelet with `SeccompDefault`
    /// always names one.
    pub unset_seccomp: UnsetSeccomp,
    /// Let 32-bit x86 programs make sockets through `socketcall`, whose arguments no filter can see. Off, they can only
    /// use the separate calls (musl does; glibc and Go do not, so Wine and game servers break); on, AF_ALG and AF_VSOCK can
    /// be reached that way. On is what other runtimes came back to: what breaks is common, and the kernel bug is mended.
    pub allow_socketcall: bool,
    /// AppArmor profile that "RuntimeDefault" stands for; `None`: that leaves a container unconfined.
    pub apparmor_default: Option<String>,
    /// `pids.max` of each container; `None`: only the pod's limit holds.
    pub pids_limit: Option<i64>,
    /// Set no_new_privs for every process that does not start as root, even if not asked to. Off: CRI's flag has no
    /// "unset", so this would make set-uid programs fail where the user allowed privilege escalation.
    pub no_new_privs_for_non_root: bool,
    /// Resource limits of every container.
    pub rlimits: Vec<Rlimit>,
    /// Pods with their own network get unprivileged ports from 0 and ping for everybody.
    pub unprivileged_network: bool,
}

/// What a container gets whose request names no seccomp profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsetSeccomp {
    /// No filter, as CRI defines it.
    #[default]
    Unconfined,
    /// Our own profile.
    RuntimeDefault,
}

/// One resource limit, `RLIMIT_*` by its name in the OCI specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rlimit {
    /// "RLIMIT_NOFILE" …
    pub name: String,
    /// In the unit of the limit; `u64::MAX` is no limit.
    pub soft: u64,
    /// In the unit of the limit; `u64::MAX` is no limit.
    pub hard: u64,
}

/// Host paths of the pod and of the container. All absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Where an OCI runtime would find the mounted root; shown in the spec, never mounted by us.
    pub rootfs: PathBuf,
    /// Layers, uppermost first, as overlayfs wants them.
    pub lower_dirs: Vec<PathBuf>,
    /// The container's own layer.
    pub upper_dir: PathBuf,
    /// Overlayfs' scratch directory beside it.
    pub work_dir: PathBuf,
    /// The pod's `/etc/hosts`; `None`: keep the image's.
    pub hosts: Option<PathBuf>,
    /// The pod's `/etc/resolv.conf`; `None`: keep the image's.
    pub resolv_conf: Option<PathBuf>,
    /// The pod's `/etc/hostname`; `None`: keep the image's.
    pub hostname: Option<PathBuf>,
    /// Stands for the pod's shared /dev/shm in the spec; the monitor holds the real one, mounted nowhere on the host.
    pub shm: PathBuf,
    /// `/proc/<monitor>/ns/net`, shown in the spec when the pod has its own.
    pub network_namespace: Option<PathBuf>,
    /// `/proc/<monitor>/ns/ipc`.
    pub ipc_namespace: Option<PathBuf>,
    /// `/proc/<monitor>/ns/uts`.
    pub uts_namespace: Option<PathBuf>,
    /// `/proc/<pause>/ns/pid`, when the pod shares one.
    pub pid_namespace: Option<PathBuf>,
    /// `/proc/<pid>/ns/pid` of the container that `target_id` names.
    pub target_pid_namespace: Option<PathBuf>,
    /// The container's cgroup, below the cgroup root.
    pub cgroup: PathBuf,
    /// The same, absolute, in each hierarchy. May be left empty and set in the plan later.
    pub cgroup_dirs: Vec<PathBuf>,
}

/// The host side of one CRI mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedMount {
    /// Symlinks followed, existence checked. For an image mount: the file or directory of the image, its sub path included.
    pub host_path: PathBuf,
    /// For the directory of an image: what has to be stacked to show it, uppermost first; empty when `host_path` is all.
    pub lower_dirs: Vec<PathBuf>,
}

/// One volume of the image, made by the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageVolume {
    /// As [`image_volumes`](crate::image_volumes) returned it.
    pub destination: String,
    /// A directory below the container's own.
    pub host_path: PathBuf,
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            default_capabilities: CapabilitySet::COMPATIBLE,
            unset_seccomp: UnsetSeccomp::Unconfined,
            allow_socketcall: true,
            apparmor_default: None,
            pids_limit: None,
            no_new_privs_for_non_root: false,
            rlimits: Vec::new(),
            unprivileged_network: true,
        }
    }
}
