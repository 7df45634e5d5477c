//! The child side of a start and of an exec: from a fork of the monitor to the user's program, a file a stage.
//!
//! ```text
//!   a container of its own PID namespace     one that joins a PID namespace, and every exec
//!   ─────────────────────────────────────    ──────────────────────────────────────────────
//!   monitor ─clone3(NEWPID)─► child          monitor ─clone3─► first child (outside the namespace)
//!     cgroup, OOM score, sysctls               the same stages, or for an exec: join by pidfd
//!     sources    opened on the host            closes everything but the handshake
//!     mounts     in a copy of `blank`          ─clone3(PARENT)─► second child, inside
//!     root       changed                         become: identity, limits, labels, exec
//!     become     identity, limits, labels, exec
//! ```
//! A process is seen by others of its PID namespace from its first instant, and CAP_SYS_PTRACE opens its
//! descriptors and its root. Hence the second child: it is born with nothing of the host's.
pub(crate) mod arguments;
pub(crate) mod become_program;
pub(crate) mod cgroup;
pub(crate) mod cwd;
pub(crate) mod devices;
pub(crate) mod identity;
pub(crate) mod join;
pub(crate) mod label;
pub(crate) mod masks;
pub(crate) mod mounts;
pub(crate) mod oom_score;
pub(crate) mod overlay;
pub(crate) mod procfs;
pub(crate) mod root;
pub(crate) mod sources;
pub(crate) mod stdio;
pub(crate) mod terminal;

use std::{
    convert::Infallible,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use proto::monitor::{ExecPlan, LaunchPlan, Process};
use sys::{
    Errno,
    clone::{Flags, Forked, SingleThreaded, clone3},
    fd,
    io::{self, Transfer},
    ns::{self, Kinds},
    process as this,
};

use crate::{
    failure::{At, Result, failed},
    stdio::ChildStdio,
    sync, sysctl,
};

/// What the monitor hands to a child it has forked.
#[derive(Debug)]
pub(crate) struct Birth<'a> {
    pub(crate) proof: SingleThreaded,
    pub(crate) sync: &'a OwnedFd,
    pub(crate) stdio: &'a ChildStdio,
    /// The directory of its cgroup that the child was born in (CLONE_INTO_CGROUP).
    pub(crate) born_in: Option<&'a str>,
}

/// Whose PID namespace a container is put in.
#[derive(Debug)]
pub(crate) enum Pids<'a> {
    /// The child is its process 1 already.
    Own,
    Host,
    /// The namespace that this pidfd's process is in, and a descriptor of it.
    Join(BorrowedFd<'a>, OwnedFd),
}

/// The child of a start. Never returns.
pub(crate) fn container(birth: &Birth<'_>, plan: &LaunchPlan, blank: &OwnedFd, pids: &Pids<'_>) -> ! {
    leave(birth, try_container(birth, plan, blank, pids))
}

/// The child of an exec. Never returns.
pub(crate) fn exec(birth: &Birth<'_>, plan: &ExecPlan, cgroup_dirs: &[String], target: BorrowedFd<'_>) -> ! {
    leave(birth, try_exec(birth, plan, cgroup_dirs, target))
}

fn leave(birth: &Birth<'_>, result: Result<Infallible>) -> ! {
    match result {
        Ok(never) => match never {},
        Err(failed) => sync::send_failed(birth.sync, &failed),
    }
    this::exit_now(127)
}

fn try_container(
    birth: &Birth<'_>,
    plan: &LaunchPlan,
    blank: &OwnedFd,
    pids: &Pids<'_>,
) -> Result<Infallible> {
    let process = plan.process.as_ref().ok_or_else(|| failed("plan", "no process", Errno::EINVAL))?;
    let mut keep = vec![birth.sync.as_raw_fd(), blank.as_raw_fd()];
    keep.extend(birth.stdio.numbers());
    if let Pids::Join(target, namespace) = pids {
        keep.extend([target.as_raw_fd(), namespace.as_raw_fd()]);
    }
    fd::close_all_except(3, &keep).at("setup")?;
    cgroup::join(&plan.cgroup_dirs, birth.born_in)?;
    if let Some(score) = process.oom_score_adj {
        oom_score::set(score)?;
    }
    sysctl::write_all(&plan.sysctls)?;
    if plan.new_cgroup_namespace {
        // After joining: the namespace's root is the cgroup of whoever makes it.
        ns::unshare(Kinds::CGROUP).at("namespaces")?;
    }
    let proc_source = procfs::Source::new(birth.proof, blank, pids);
    let sources = sources::prepare(plan, &proc_source)?;
    ns::enter(blank, Kinds::MOUNT).at("namespaces")?;
    ns::unshare(Kinds::MOUNT).at("namespaces")?;
    let terminal = root::build(plan, sources)?;
    if let Some(pty) = &terminal {
        sync::send_terminal(birth.sync, &pty.master, &pty.peer)?;
    }
    stdio::place(birth.stdio, terminal.as_ref().map(|pty| pty.peer.as_fd()), process)?;
    match pids {
        Pids::Own | Pids::Host => become_program::run(birth.sync, process, become_program::Role::Container),
        Pids::Join(target, _) => {
            ns::enter(target, Kinds::PID).at("namespaces")?;
            second_child(birth, process, become_program::Role::Container)
        }
    }
}

fn try_exec(
    birth: &Birth<'_>,
    plan: &ExecPlan,
    cgroup_dirs: &[String],
    target: BorrowedFd<'_>,
) -> Result<Infallible> {
    let process = plan.process.as_ref().ok_or_else(|| failed("plan", "no process", Errno::EINVAL))?;
    let mut keep = vec![birth.sync.as_raw_fd(), target.as_raw_fd()];
    keep.extend(birth.stdio.numbers());
    fd::close_all_except(3, &keep).at("setup")?;
    cgroup::join(cgroup_dirs, birth.born_in)?;
    if let Some(score) = process.oom_score_adj {
        oom_score::set(score)?;
    }
    join::namespaces(target)?;
    let terminal = if process.terminal { Some(terminal::open_in_container()?) } else { None };
    if let Some(pty) = &terminal {
        sync::send_terminal(birth.sync, &pty.master, &pty.peer)?;
    }
    stdio::place(birth.stdio, terminal.as_ref().map(|pty| pty.peer.as_fd()), process)?;
    second_child(birth, process, become_program::Role::Exec)
}

/// Forks the process that runs the program into the PID namespace entered before, as a child of the monitor.
/// It goes on only when the monitor has been told of it: this process may be killed at any moment, and then
/// nobody would know the other.
fn second_child(birth: &Birth<'_>, process: &Process, role: become_program::Role) -> Result<Infallible> {
    fd::close_all_except(3, &[birth.sync.as_raw_fd()]).at("setup")?;
    let (wait, go) = io::pipe().at("handshake")?;
    match clone3(birth.proof, Flags::PARENT, None).at("clone")? {
        Forked::Child => {
            drop(go);
            match io::read(&wait, &mut [0]).at("handshake")? {
                Transfer::Bytes(_) => become_program::run(birth.sync, process, role),
                Transfer::WouldBlock | Transfer::Closed => this::exit_now(127),
            }
        }
        Forked::Parent { pid, pidfd } => {
            sync::send_child(birth.sync, pid, &pidfd)?;
            io::write(&go, b"g").at("handshake")?;
            this::exit_now(0)
        }
    }
}
