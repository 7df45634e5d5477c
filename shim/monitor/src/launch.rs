//! The parent side of a start and of an exec: prepares what the child needs and forks it.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::{ExecPlan, LaunchPlan, PidMode};
use sys::{
    Errno,
    clone::{Flags, Forked, clone3},
    fd, ns, seqpacket,
};

use crate::{
    container::Container,
    failure::{At, Result, failed},
    init::{self, Birth, Pids, cgroup},
    pod::Pod,
    stdio::ChildStdio,
};

/// A forked child that is on its way.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    /// Non-blocking.
    pub(crate) sync: OwnedFd,
    /// The program runs in a second child.
    pub(crate) has_second: bool,
}

/// Forks a container's first process. `target` is the container whose PID namespace is joined, if any is.
pub(crate) fn container(
    pod: &Pod,
    plan: &LaunchPlan,
    stdio: &ChildStdio,
    target: Option<&Container>,
) -> Result<Launched> {
    let blank = pod.blank.as_ref().map_err(Clone::clone)?;
    let pids = pids_of(pod, plan.pid_mode(), target)?;
    let flags = if matches!(pids, Pids::Own) { Flags::NEWPID } else { Flags::empty() };
    let has_second = matches!(pids, Pids::Join(..));
    fork(pod, flags, &plan.cgroup_dirs, stdio, has_second, |birth| init::container(birth, plan, blank, &pids))
}

/// Forks the child of an exec in `target`.
pub(crate) fn exec(pod: &Pod, plan: &ExecPlan, stdio: &ChildStdio, target: &Container) -> Result<Launched> {
    let dirs = &target.cgroup_dirs;
    fork(pod, Flags::empty(), dirs, stdio, true, |birth| init::exec(birth, plan, dirs, target.pidfd.as_fd()))
}

fn fork(
    pod: &Pod,
    flags: Flags,
    cgroup_dirs: &[String],
    stdio: &ChildStdio,
    has_second: bool,
    child: impl FnOnce(&Birth<'_>),
) -> Result<Launched> {
    let (ours, theirs) = seqpacket::pair().at("handshake")?;
    fd::set_nonblocking(&ours, true).at("handshake")?;
    // Born inside its cgroup, the child never runs outside; v1 has no such thing and it joins by itself.
    let cgroup = cgroup::unified(cgroup_dirs);
    match clone3(pod.proof, flags, cgroup.as_ref().map(|(_, dir)| dir.as_fd())).at("clone")? {
        Forked::Child => {
            let birth = Birth {
                proof: pod.proof,
                sync: &theirs,
                stdio,
                born_in: cgroup.as_ref().map(|(dir, _)| *dir),
            };
            child(&birth);
            sys::process::exit_now(127)
        }
        Forked::Parent { pid, pidfd } => Ok(Launched { pid, pidfd, sync: ours, has_second }),
    }
}

fn pids_of<'a>(pod: &'a Pod, mode: PidMode, target: Option<&'a Container>) -> Result<Pids<'a>> {
    let (pid, pidfd) = match mode {
        PidMode::Container => return Ok(Pids::Own),
        PidMode::Host => return Ok(Pids::Host),
        PidMode::Pod => {
            let pause = pod.pause.as_ref();
            let pause =
                pause.ok_or_else(|| failed("namespaces", "the pod has no PID namespace", Errno::ESRCH))?;
            (pause.pid, &pause.pidfd)
        }
        PidMode::Target => {
            let target = target.ok_or_else(|| failed("no-such-container", "PID namespace", Errno::ENOENT))?;
            (target.pid, &target.pidfd)
        }
    };
    // Sound by number: a child of ours keeps it until we reap it.
    let namespace = ns::open_of(pid, "pid").at("namespaces")?;
    Ok(Pids::Join(pidfd.as_fd(), namespace))
}
