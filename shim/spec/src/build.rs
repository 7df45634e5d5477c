//! A container's OCI runtime spec.

use oci_spec::runtime::Spec;

use crate::{
    error::{Result, SpecError},
    input::Input,
};

/// Decides everything about a container.
///
/// # Errors
/// Whatever the request, the image or the node makes impossible; see [`SpecError::kind`](crate::SpecError::kind).
pub fn build(_input: &Input<'_>) -> Result<Spec> {
    Err(SpecError::unsupported("spec", "not built yet", "wait"))
}
