//! Start: from a launch plan to a running container.
use std::os::fd::{AsFd, OwnedFd};

use proto::{
    monitor::{LaunchPlan, PidMode, Reply, reply},
    prost::Message,
};
use sys::{Errno, epoll::Interest, memfd, pidfd, signal::SIGKILL, time};

use crate::{
    container::{Container, Phase},
    event::{Id, Source},
    failure::{At, Result, failed},
    handshake::{Handshake, Running, What},
    launch,
    log::Log,
    monitor::Monitor,
    stdio,
    streams::Streams,
};

/// Environment and arguments are bounded by the kernel at a quarter of the stack; the rest is paths.
const PLAN_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A container whose first process has been forked.
#[derive(Debug)]
pub(crate) struct NewContainer {
    pub(crate) id: String,
    own_pids: bool,
    cgroup_dirs: Vec<String>,
    stdin: bool,
    streams: Streams,
    /// What holds a systemd scope open.
    hold: Option<OwnedFd>,
}

impl Monitor {
    /// Forks it; the answer follows when its program runs or has failed to.
    pub(crate) fn start(&mut self, connection: Id, container_id: &str, fds: Vec<OwnedFd>) -> Result<()> {
        let mut fds = fds.into_iter();
        self.may_start(container_id)?;
        let plan = LaunchPlan::decode(&*read_plan(fds.next())?).map_err(|error| undecodable(&error))?;
        if plan.container_id != container_id {
            return Err(failed("plan", format!("a plan for {:?}", plan.container_id), Errno::EINVAL));
        }
        let terminal = plan.process.as_ref().is_some_and(|process| process.terminal);
        let wanted = plan.stdio.clone().unwrap_or_default();
        // Before anything is forked: a log that cannot be written is the start's failure, not the container's.
        let log = Log::open(&wanted.log_directory, &wanted.log_path)?;
        let (theirs, ends) = stdio::for_container(wanted.stdin, terminal)?;
        let target = match plan.pid_mode() {
            PidMode::Target => Some(self.running(&plan.target_container_id)?),
            PidMode::Container | PidMode::Pod | PidMode::Host => None,
        };
        let target = target.and_then(|number| self.containers.get(&number));
        let launched = launch::container(&self.pod, &plan, &theirs, target)?;
        let new = NewContainer {
            id: container_id.to_owned(),
            own_pids: plan.pid_mode() == PidMode::Container,
            cgroup_dirs: plan.cgroup_dirs,
            stdin: wanted.stdin,
            streams: Streams::new(log, ends, wanted.stdin_once),
            hold: fds.next(),
        };
        self.await_handshake(Handshake::new(launched, connection, What::Container(Box::new(new))))
    }

    fn may_start(&self, container_id: &str) -> Result<()> {
        if self.is_shutting_down() {
            return Err(failed("shutting-down", "the pod is being stopped", Errno::EBUSY));
        }
        // It becomes the name of a file.
        if container_id.is_empty() || !container_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(failed("plan", format!("{container_id:?} is no container id"), Errno::EINVAL));
        }
        let known = self.containers.values().any(|container| container.id == container_id);
        let starting = self.handshakes.values().any(|other| other.container_id() == Some(container_id));
        if known || starting {
            return Err(failed("already-exists", container_id, Errno::EEXIST));
        }
        Ok(())
    }

    pub(crate) fn await_handshake(&mut self, handshake: Handshake) -> Result<()> {
        let number = self.next_id();
        let token = Source::Handshake(number).token();
        if let Err(error) = self.epoll.add(handshake.sync().as_fd(), token, Interest::Read) {
            handshake.kill();
            return Err(error).at("handshake");
        }
        self.handshakes.insert(number, handshake);
        Ok(())
    }

    pub(crate) fn container_started(&mut self, connection: Id, mut new: NewContainer, running: Running) {
        let number = self.next_id();
        let terminal = running
            .terminal
            .map_or(Ok(()), |(master, peer)| new.streams.use_terminal(master, peer, new.stdin));
        if let Err(refused) = terminal.and_then(|()| new.streams.watch(&self.epoll, number)) {
            pidfd::send_signal(&running.pidfd, SIGKILL).ok();
            return self.refuse(connection, refused);
        }
        let container = Container {
            id: new.id,
            pid: running.pid,
            pidfd: running.pidfd,
            started_at_ns: time::realtime_ns(),
            phase: Phase::Running,
            own_pids: new.own_pids,
            cgroup_dirs: new.cgroup_dirs,
            streams: new.streams,
            hold: new.hold,
        };
        let answer = Reply { reply: Some(reply::Reply::Started(container.started())) };
        let event = container.event();
        self.reply(connection, &answer, &[container.pidfd.as_fd()]);
        self.containers.insert(number, container);
        self.broadcast(&event);
        if let Some(exit) = running.exit {
            self.on_container_exit(number, exit);
        }
    }
}

/// The bytes of the plan that came as the first descriptor.
pub(crate) fn read_plan(memfd: Option<OwnedFd>) -> Result<Vec<u8>> {
    let memfd = memfd.ok_or_else(|| failed("plan", "no descriptor came along", Errno::EINVAL))?;
    memfd::read(&memfd, PLAN_LIMIT_BYTES).at("plan")
}

pub(crate) fn undecodable(error: &proto::prost::DecodeError) -> proto::monitor::Failed {
    failed("plan", format!("decode: {error}"), Errno::EINVAL)
}
