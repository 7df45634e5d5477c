//! Procfs instances: the container's own, and private handles for writing attributes.
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use sys::{
    Errno,
    clone::{Flags, Forked, SingleThreaded, clone3},
    fd,
    mount::{FsContext, attr},
    ns::{self, Kinds},
    pidfd, process,
    seqpacket::{self, Incoming},
};

use super::Pids;
use crate::failure::{At, Result, failed};

const STAGE: &str = "mount";

/// How a procfs of the container's PID namespace is made.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    proof: SingleThreaded,
    blank: &'a OwnedFd,
    pids: &'a Pids<'a>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(proof: SingleThreaded, blank: &'a OwnedFd, pids: &'a Pids<'a>) -> Self {
        Self { proof, blank, pids }
    }

    /// A detached mount.
    pub(crate) fn mount(&self, options: &[String], attributes: u64) -> Result<OwnedFd> {
        let configure = || -> Result<FsContext> {
            let context = FsContext::open("proc").at(STAGE)?;
            // The first column of /proc/mounts; "none" misleads who reads it.
            context.set("source", "proc").at(STAGE)?;
            options.iter().try_for_each(|option| context.set_option(option)).at(STAGE)?;
            Ok(context)
        };
        let Pids::Join(_, namespace) = self.pids else {
            return configure()?.mount(attributes).at(STAGE);
        };
        let context = configure()?;
        // Since 6.17 a procfs can be made for another namespace than one's own.
        match context.set_fd("pidns", namespace) {
            Ok(()) => context.mount(attributes).at(STAGE),
            Err(_) => self.mount_from_inside(namespace, &configure, attributes),
        }
    }

    /// Two forks: the first leaves the host's file system and all descriptors behind, the second is born inside
    /// the PID namespace with nothing to see, makes the mount and passes it out.
    fn mount_from_inside(
        &self,
        namespace: &OwnedFd,
        configure: &dyn Fn() -> Result<FsContext>,
        attributes: u64,
    ) -> Result<OwnedFd> {
        let (ours, theirs) = seqpacket::pair().at(STAGE)?;
        let helper = match clone3(self.proof, Flags::empty(), None).at(STAGE)? {
            Forked::Child => {
                let keep = [theirs.as_raw_fd(), namespace.as_raw_fd(), self.blank.as_raw_fd()];
                let made = fd::close_all_except(3, &keep)
                    .and_then(|()| ns::enter(self.blank, Kinds::MOUNT))
                    .and_then(|()| ns::enter(namespace, Kinds::PID))
                    .and_then(|()| fd::close_all_except(3, &[theirs.as_raw_fd()]))
                    .at(STAGE)
                    .and_then(|()| self.send_from_inside(&theirs, configure, attributes));
                process::exit_now(i32::from(made.is_err()))
            }
            Forked::Parent { pidfd, .. } => pidfd,
        };
        drop(theirs);
        let received = seqpacket::recv(&ours, &mut [0; 8]).at(STAGE);
        pidfd::wait(&helper).at(STAGE)?;
        match received? {
            Incoming::Message(message) => message.fds.into_iter().next(),
            Incoming::WouldBlock | Incoming::Closed => None,
        }
        .ok_or_else(|| failed(STAGE, "procfs of a joined PID namespace", Errno::ECHILD))
    }

    fn send_from_inside(
        &self,
        socket: &OwnedFd,
        configure: &dyn Fn() -> Result<FsContext>,
        attributes: u64,
    ) -> Result<()> {
        match clone3(self.proof, Flags::empty(), None).at(STAGE)? {
            Forked::Child => {
                let sent = configure().and_then(|context| {
                    let mount = context.mount(attributes).at(STAGE)?;
                    seqpacket::send(socket, b"m", &[mount.as_fd()]).at(STAGE)
                });
                process::exit_now(i32::from(sent.is_err()))
            }
            Forked::Parent { pidfd, .. } => pidfd::wait(&pidfd).at(STAGE).map(drop),
        }
    }
}

/// A procfs that is mounted nowhere: nothing can be laid over its files. Of the caller's PID namespace.
pub(crate) fn private() -> Result<OwnedFd> {
    FsContext::open("proc")
        .and_then(|context| context.mount(attr::NOSUID | attr::NODEV | attr::NOEXEC))
        .at("procfs")
}
