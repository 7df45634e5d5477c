//! The last steps of every program, container or exec: session, limits, labels, identity, exec.
use std::{convert::Infallible, os::fd::OwnedFd};

use proto::monitor::{Failed, Process};
use sys::{
    Errno, exec, fd, prctl, process,
    rlimit::{self, Limit},
    signal, tty,
};

use super::{arguments::Arguments, cwd, identity, label};
use crate::failure::{At, Result, failed};

/// What an image that says nothing gets.
const DEFAULT_UMASK: u32 = 0o022;

/// What this process ignores: three by `setup`, and two that posix_spawn(3) of the C library leaves so.
const IGNORED: [i32; 5] = [signal::SIGPIPE, signal::SIGHUP, signal::SIGINT, 32, 33];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Container,
    Exec,
}

/// Returns only when something failed.
pub(super) fn run(sync: &OwnedFd, plan: &Process, role: Role) -> Result<Infallible> {
    let arguments = Arguments::of(plan)?;
    process::new_session().at("session")?;
    if plan.terminal {
        tty::take_control(fd::stdin()).at("terminal")?;
    }
    prctl::set_umask(if plan.umask == 0 { DEFAULT_UMASK } else { plan.umask & 0o777 });
    limits(plan)?;
    label::set(plan)?;
    if role == Role::Exec {
        // Whatever it leaves behind stays findable as its descendant until it ends; see `kill`.
        prctl::set_child_subreaper(true).at("setup")?;
    }
    // As root first, for a directory that only root may enter; on NFS it is the user who may.
    let entered = cwd::enter(&plan.cwd);
    identity::assume(plan, sync)?;
    if entered.is_err() {
        cwd::enter(&plan.cwd)?;
    }
    fd::close_range_cloexec(3).at("exec")?;
    signal::restore_default(&IGNORED).at("exec")?;
    signal::unblock_all().at("exec")?;
    Err(program(&arguments))
}

fn limits(plan: &Process) -> Result<()> {
    for limit in &plan.rlimits {
        let what = || format!("limit {} to {}:{}", limit.resource, limit.soft, limit.hard);
        let asked = Limit { soft: limit.soft, hard: limit.hard };
        match rlimit::set(limit.resource, asked) {
            Err(error) if error.errno == Errno::EPERM => {
                // Without CAP_SYS_RESOURCE nothing rises above the hard limit that is there.
                let hard = rlimit::get(limit.resource).at_doing("rlimit", what)?.hard.min(asked.hard);
                let possible = Limit { soft: asked.soft.min(hard), hard };
                rlimit::set(limit.resource, possible).at_doing("rlimit", what)?;
            }
            other => other.at_doing("rlimit", what)?,
        }
    }
    Ok(())
}

/// Tries the candidates like execvp(3): a missing one is passed over, one that may not be run is remembered.
fn program(arguments: &Arguments) -> Failed {
    let mut last = Errno::ENOENT;
    for path in &arguments.candidates {
        let error = exec::execve(path, &arguments.argv, &arguments.env);
        match error.errno {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => last = Errno::EACCES,
            other => return failed("exec", format!("{path:?}"), other),
        }
    }
    failed("exec", format!("{:?}", arguments.name()), last)
}
