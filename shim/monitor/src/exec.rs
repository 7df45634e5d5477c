//! Exec: a further program in a running container, tied to the connection that asked for it.
use std::os::fd::{AsFd, OwnedFd};

use proto::{
    monitor::{Exec, ExecPlan, Exited, Reply, Started, reply},
    prost::Message,
};
use sys::{Errno, pidfd::Exit, signal::SIGKILL, time};

use crate::{
    event::Id,
    exit,
    failure::{Result, failed},
    handshake::{Handshake, Running, What},
    kill, launch,
    monitor::Monitor,
    oom,
    start::{read_plan, undecodable},
    stdio,
};

/// A program that was started into a container.
#[derive(Debug)]
pub(crate) struct RunningExec {
    connection: Id,
    /// The container's number and id.
    container: Id,
    container_id: String,
    pub(crate) pid: i32,
    pidfd: OwnedFd,
    started_at_ns: i64,
    /// The terminal's master, held until the program has ended: were the daemon's the last, the kernel would hang up on
    /// the program when the daemon lets go, and its descendants would go to the container's init before they are killed.
    terminal: Option<OwnedFd>,
}

impl Monitor {
    /// Forks it; the answer follows when its program runs or has failed to, and another when it has ended.
    pub(crate) fn exec(&mut self, connection: Id, request: &Exec, fds: Vec<OwnedFd>) -> Result<()> {
        let number = self.running(&request.container_id)?;
        let mut fds = fds.into_iter();
        let plan = read_plan(fds.next())?;
        let plan = ExecPlan::decode(&*plan).map_err(|error| undecodable(&error))?;
        if plan.container_id != request.container_id {
            return Err(failed("plan", format!("a plan for {:?}", plan.container_id), Errno::EINVAL));
        }
        let mut next = |wanted: bool| if wanted { fds.next() } else { None };
        let streams = [next(request.stdin), next(request.stdout), next(request.stderr)];
        let stdio = stdio::for_exec(streams)?;
        let Some(container) = self.containers.get(&number) else {
            return Err(failed("no-such-container", &request.container_id, Errno::ENOENT));
        };
        let launched = launch::exec(&self.pod, &plan, &stdio, container)?;
        self.await_handshake(Handshake::new(launched, connection, What::Exec(number)))
    }

    pub(crate) fn exec_started(&mut self, connection: Id, container: Id, running: Running) {
        let Some(running_in) = self.containers.get(&container) else { return };
        let exec = RunningExec {
            connection,
            terminal: running.terminal.map(|(master, _peer)| master),
            container,
            container_id: running_in.id.clone(),
            pid: running.pid,
            pidfd: running.pidfd,
            started_at_ns: time::realtime_ns(),
        };
        let started = Started { pid: exec.pid, started_at_ns: exec.started_at_ns };
        let answer = Reply { reply: Some(reply::Reply::Started(started)) };
        let mut fds = vec![exec.pidfd.as_fd()];
        fds.extend(exec.terminal.iter().map(AsFd::as_fd));
        let told = self.reply(connection, &answer, &fds);
        let number = self.next_id();
        self.execs.insert(number, exec);
        match running.exit {
            Some(exit) => self.on_exec_exit(number, exit),
            // Whoever asked is gone.
            None if !told => self.kill_execs_of(connection),
            None => {}
        }
    }

    pub(crate) fn on_exec_exit(&mut self, number: Id, exit: Exit) {
        let Some(exec) = self.execs.remove(&number) else { return };
        let container = self.containers.get(&exec.container);
        let exited = Exited {
            container_id: exec.container_id,
            pid: exec.pid,
            exit_code: exit.shell_code(),
            signal: exit::signal_of(exit),
            oom_killed: exit == Exit::Signal(SIGKILL)
                && container.is_some_and(|container| oom::killed(&container.cgroup_dirs)),
            started_at_ns: exec.started_at_ns,
            finished_at_ns: time::realtime_ns(),
            log_dropped_bytes: 0,
        };
        self.reply(exec.connection, &Reply { reply: Some(reply::Reply::Exited(exited)) }, &[]);
    }

    /// The connection is gone: its program and all that has come of it end.
    pub(crate) fn kill_execs_of(&self, connection: Id) {
        for exec in self.execs.values().filter(|exec| exec.connection == connection) {
            let dirs = self.containers.get(&exec.container).map(|container| container.cgroup_dirs.as_slice());
            kill::tree(exec.pid, &exec.pidfd, dirs.unwrap_or_default());
        }
    }
}
