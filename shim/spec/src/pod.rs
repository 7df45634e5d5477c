//! What a pod's config asks of the kernel: namespaces, sysctls, host name.

use proto::{
    cri::{self, NamespaceMode},
    monitor::{PidMode, Sysctl},
};

use crate::{
    error::{Result, SpecError, quoted},
    files,
    input::{NodeFacts, Policy},
    sysctl,
};

/// A pod's config, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PodFacts {
    /// Which namespaces the pod owns.
    pub namespaces: PodNamespaces,
    /// The name in its UTS namespace: the request's, or the machine's if that is empty.
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
pub fn check_pod(pod: &cri::PodSandboxConfig, node: &NodeFacts, policy: &Policy) -> Result<PodFacts> {
    let linux = pod.linux.clone().unwrap_or_default();
    let security = linux.security_context.clone().unwrap_or_default();
    if security.run_as_group.is_some() && security.run_as_user.is_none() {
        return Err(SpecError::invalid(
            "run_as_group",
            "it is set without run_as_user",
            "set the pod's securityContext.runAsUser as well",
        ));
    }
    check_cgroup_parent(&linux.cgroup_parent)?;
    let namespaces = PodNamespaces::of(pod)?;
    let hostname = match pod.hostname.as_str() {
        "" => node.hostname.clone(),
        name => {
            files::hostname(name)?;
            name.to_owned()
        }
    };
    let sysctls = sysctl::of_pod(&linux.sysctls, namespaces, policy)?;
    Ok(PodFacts { namespaces, hostname, sysctls })
}

// === impl PodNamespaces ===

impl PodNamespaces {
    /// Reads the modes of a pod. Unset options mean the pod's own network and IPC, and processes shared in the pod.
    ///
    /// # Errors
    /// Modes that make no sense for a pod, user namespaces.
    pub fn of(pod: &cri::PodSandboxConfig) -> Result<Self> {
        let options = pod.linux.as_ref().and_then(|linux| linux.security_context.as_ref());
        let options = options.and_then(|security| security.namespace_options.clone()).unwrap_or_default();
        check_user_namespace(options.userns_options.as_ref())?;
        Ok(Self {
            network: own("network", options.network)?,
            ipc: own("IPC", options.ipc)?,
            pid: match mode("PID", options.pid)? {
                NamespaceMode::Pod => PodPid::Shared,
                NamespaceMode::Container => PodPid::PerContainer,
                NamespaceMode::Node => PodPid::Host,
                NamespaceMode::Target => return Err(no_such_mode("PID", "TARGET")),
            },
        })
    }

    /// How a container of this pod sees processes. A container that says nothing has the pod's way.
    pub(crate) fn pid_of(self, container: Option<&cri::NamespaceOption>) -> Result<PidMode> {
        let asked = match container {
            Some(options) => mode("PID", options.pid)?,
            None => match self.pid {
                PodPid::Shared => NamespaceMode::Pod,
                PodPid::PerContainer => NamespaceMode::Container,
                PodPid::Host => NamespaceMode::Node,
            },
        };
        match (asked, self.pid) {
            (NamespaceMode::Container, _) => Ok(PidMode::Container),
            (NamespaceMode::Target, _) => Ok(PidMode::Target),
            (NamespaceMode::Node, _) | (NamespaceMode::Pod, PodPid::Host) => Ok(PidMode::Host),
            (NamespaceMode::Pod, PodPid::Shared) => Ok(PidMode::Pod),
            (NamespaceMode::Pod, PodPid::PerContainer) => Err(SpecError::invalid(
                "PID namespace mode POD",
                "the pod was made with mode CONTAINER and has no PID namespace to share",
                "use the same namespace_options for the pod and its containers",
            )),
        }
    }
}

fn mode(which: &str, value: i32) -> Result<NamespaceMode> {
    NamespaceMode::try_from(value).map_err(|_| no_such_mode(which, &value.to_string()))
}

/// Whether the pod owns it.
fn own(which: &str, value: i32) -> Result<bool> {
    match mode(which, value)? {
        NamespaceMode::Pod => Ok(true),
        NamespaceMode::Node => Ok(false),
        NamespaceMode::Container => Err(no_such_mode(which, "CONTAINER")),
        NamespaceMode::Target => Err(no_such_mode(which, "TARGET")),
    }
}

fn no_such_mode(which: &str, name: &str) -> SpecError {
    SpecError::invalid(
        format!("{which} namespace mode {name}"),
        "a pod cannot have it",
        "use POD or NODE (for PID also CONTAINER)",
    )
}

/// Absent options mean the node's user namespace, as both peers read them.
pub(crate) fn check_user_namespace(options: Option<&cri::UserNamespace>) -> Result<()> {
    let Some(options) = options else { return Ok(()) };
    let refuse =
        |cause: &str| Err(SpecError::invalid("userns_options", cause, "map container id 0 on, in one range"));
    match mode("user", options.mode)? {
        NamespaceMode::Node if options.uids.is_empty() && options.gids.is_empty() => Ok(()),
        NamespaceMode::Node => refuse("mode NODE has no mappings"),
        NamespaceMode::Container | NamespaceMode::Target => refuse("the mode is neither POD nor NODE"),
        NamespaceMode::Pod => {
            for ranges in [&options.uids, &options.gids] {
                match ranges.as_slice() {
                    [one] if one.container_id == 0 && one.length > 0 => {}
                    [_] => return refuse("container id 0 is not mapped"),
                    _ => return refuse("there must be one mapping of users and one of groups"),
                }
            }
            if options.uids != options.gids {
                return refuse("users and groups are mapped differently");
            }
            Err(SpecError::unsupported(
                "user namespace mode POD",
                "this version of Berth makes no user namespaces",
                "remove hostUsers: false from the pod",
            ))
        }
    }
}

/// Both peers' drivers take "/a/b" and "a-b.slice"; neither may lead out of the cgroup tree.
fn check_cgroup_parent(path: &str) -> Result<()> {
    if path.len() > 4095 || path.chars().any(char::is_control) || path.split('/').any(|part| part == "..") {
        return Err(SpecError::invalid(
            format!("cgroup_parent {}", quoted(path)),
            "it is no plain path below the cgroup root",
            "use a path without \"..\" and control characters",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
