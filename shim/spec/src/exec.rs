//! The plan of one more process in a container.

use proto::monitor::{ExecPlan, Process};

use crate::{error::Result, process};

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
pub fn exec_plan(container: &Process, exec: &Exec<'_>) -> Result<ExecPlan> {
    process::check_args(exec.cmd, "the container")?;
    let mut env = container.env.clone();
    if exec.tty && !env.iter().any(|entry| entry.starts_with(b"TERM=")) {
        env.push(b"TERM=xterm".to_vec());
    }
    Ok(ExecPlan {
        container_id: exec.container_id.to_owned(),
        process: Some(Process { args: exec.cmd.to_vec(), env, terminal: exec.tty, ..container.clone() }),
    })
}

#[cfg(test)]
mod tests;
