//! The OCI spec as the monitor's plan.

use oci_spec::runtime::Spec;
use proto::monitor::LaunchPlan;

use crate::{
    error::{Result, SpecError},
    input::Input,
};

/// Translates a spec that [`build`](crate::build) made of the same input, possibly changed since.
///
/// # Errors
/// A seccomp profile that cannot be compiled, or a part of the spec the monitor has no means for.
pub fn lower(_spec: &Spec, _input: &Input<'_>) -> Result<LaunchPlan> {
    Err(SpecError::unsupported("plan", "not built yet", "wait"))
}
