//! The namespaces section: which are the container's, which the pod's, which the host's (those are left out).

use std::path::PathBuf;

use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceBuilder, LinuxNamespaceType};
use proto::{cri, monitor::PidMode};

use crate::{
    error::{Result, SpecError},
    input::Input,
    pod::PodNamespaces,
};

pub(super) fn list(
    input: &Input<'_>,
    pod: PodNamespaces,
    container: Option<&cri::NamespaceOption>,
    privileged: bool,
) -> Result<Vec<LinuxNamespace>> {
    let mut list = vec![new(LinuxNamespaceType::Mount)?];
    match pod.pid_of(container)? {
        PidMode::Container => list.push(new(LinuxNamespaceType::Pid)?),
        PidMode::Pod => list.push(joined(LinuxNamespaceType::Pid, &input.paths.pid_namespace)?),
        PidMode::Target => list.push(joined(LinuxNamespaceType::Pid, &input.paths.target_pid_namespace)?),
        PidMode::Host => {}
    }
    if pod.network {
        list.push(joined(LinuxNamespaceType::Network, &input.paths.network_namespace)?);
        list.push(joined(LinuxNamespaceType::Uts, &input.paths.uts_namespace)?);
    }
    if pod.ipc {
        list.push(joined(LinuxNamespaceType::Ipc, &input.paths.ipc_namespace)?);
    }
    // On v1 nothing would be gained, and a privileged container is meant to see the host's tree (KEP-2254).
    if input.node.cgroup_v2 && !privileged {
        list.push(new(LinuxNamespaceType::Cgroup)?);
    }
    Ok(list)
}

fn new(kind: LinuxNamespaceType) -> Result<LinuxNamespace> {
    LinuxNamespaceBuilder::default().typ(kind).build().map_err(internal)
}

fn joined(kind: LinuxNamespaceType, path: &Option<PathBuf>) -> Result<LinuxNamespace> {
    let Some(path) = path else {
        return Err(SpecError::internal(
            format!("the {kind} namespace"),
            "it is to be joined and has no path",
        ));
    };
    LinuxNamespaceBuilder::default().typ(kind).path(path).build().map_err(internal)
}

fn internal(error: oci_spec::OciSpecError) -> SpecError {
    SpecError::internal("the namespaces", error.to_string())
}
