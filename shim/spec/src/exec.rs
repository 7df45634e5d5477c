//! The plan of one more process in a container.

use proto::monitor::{ExecPlan, Process};

use crate::error::{Result, SpecError};

/// What `Exec` and `ExecSync` ask for.
#[derive(Clone, Copy, Debug)]
pub struct Exec<'a> {
    /// Where to run it.
    pub container_id: &'a str,
    /// The program and its arguments.
    pub cmd: &'a [String],
    /// With a terminal.
    pub tty: bool,
}

/// Plans a process with the container's own environment, directory, user, capabilities and filter. `container` is the
/// process of the plan the container was started with ([`LaunchPlan::process`](proto::monitor::LaunchPlan)); the daemon
/// keeps it.
///
/// # Errors
/// An empty command, or one with a NUL byte.
pub fn exec_plan(_container: &Process, _exec: &Exec<'_>) -> Result<ExecPlan> {
    Err(SpecError::unsupported("exec", "not built yet", "wait"))
}
