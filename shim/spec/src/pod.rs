//! What a pod's config asks of the kernel: namespaces, sysctls, host name.

use proto::{cri, monitor::Sysctl};

use crate::{
    error::{Result, SpecError},
    input::{NodeFacts, Policy},
};

/// A pod's config, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// Which namespaces the pod owns.
    pub namespaces: PodNamespaces,
    /// The name in its UTS namespace: the request's, or the machine's for pods in the host's network.
    pub hostname: String,
    /// For `SandboxPlan.sysctls`, defaults included.
    pub sysctls: Vec<Sysctl>,
}

/// The namespaces a pod owns; the others are the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodNamespaces {
    /// Its own network, and with it its own UTS namespace.
    pub network: bool,
    /// Its own System V IPC, message queues and /dev/shm.
    pub ipc: bool,
    /// How its containers see processes.
    pub pid: PodPid,
}

/// The PID namespaces of a pod's containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodPid {
    /// One for the pod, held by a pause child.
    Shared,
    /// One each.
    PerContainer,
    /// The host's.
    Host,
}

/// Checks a pod's config; call it before anything is made.
///
/// # Errors
/// Options that contradict each other, sysctls outside the pod's own namespaces, user namespaces.
pub fn check_pod(_pod: &cri::PodSandboxConfig, _node: &NodeFacts, _policy: &Policy) -> Result<PodFacts> {
    Err(SpecError::unsupported("pod", "not built yet", "wait"))
}
