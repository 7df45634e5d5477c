//! Requests: each goes to its verb, and the answer back.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::monitor::{Done, Forget, OpenSocket, Reply, Resize, Signal, reply, request};
use sys::{Errno, pidfd, socket, tty};

use crate::{
    container::Phase,
    event::Id,
    failure::{At, Result, failed},
    kill,
    monitor::Monitor,
};

impl Monitor {
    pub(crate) fn serve(&mut self, connection: Id, request: request::Request, fds: Vec<OwnedFd>) {
        use request::Request;
        let done = match request {
            // These answer later.
            Request::Start(start) => match self.start(connection, &start.container_id, fds) {
                Ok(()) => return,
                Err(refused) => Err(refused),
            },
            Request::Exec(exec) => match self.exec(connection, &exec, fds) {
                Ok(()) => return,
                Err(refused) => Err(refused),
            },
            Request::Watch(_) => return self.watch(connection),
            Request::Shutdown(_) => return self.shut_down(connection),
            // These now.
            Request::Signal(signal) => self.signal(&signal).map(nothing),
            Request::KillAll(kill_all) => self.kill_all(&kill_all.container_id).map(nothing),
            Request::ReopenLog(reopen) => self.reopen_log(&reopen.container_id).map(nothing),
            Request::Attach(attach) => self.attach(&attach),
            Request::Resize(resize) => self.resize(&resize).map(nothing),
            Request::OpenSocket(open) => open_socket(&open),
            Request::Forget(forget) => self.forget(&forget).map(nothing),
        };
        match done {
            Ok(fds) => {
                let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
                self.reply(connection, &Reply { reply: Some(reply::Reply::Done(Done {})) }, &fds);
            }
            Err(refused) => self.refuse(connection, refused),
        }
    }

    fn signal(&self, request: &Signal) -> Result<()> {
        let number = self.running(&request.container_id)?;
        let Some(container) = self.containers.get(&number) else { return Ok(()) };
        pidfd::send_signal(&container.pidfd, request.signal).at("signal")
    }

    /// A container that is still being made ends as well; its start fails.
    fn kill_all(&self, container_id: &str) -> Result<()> {
        let starting = self.handshakes.values().find(|start| start.container_id() == Some(container_id));
        if let Some(start) = starting {
            start.kill();
            return Ok(());
        }
        let number = self.running(container_id)?;
        if let Some(container) = self.containers.get(&number) {
            kill::container(container);
        }
        Ok(())
    }

    fn reopen_log(&mut self, container_id: &str) -> Result<()> {
        let number = self.running(container_id)?;
        self.containers.get_mut(&number).map_or(Ok(()), |container| container.streams.log.reopen())
    }

    fn resize(&self, request: &Resize) -> Result<()> {
        let number = self.running(&request.container_id)?;
        let streams = self.containers.get(&number).map(|container| &container.streams);
        let master = streams
            .filter(|streams| streams.terminal_peer.is_some())
            .and_then(|streams| streams.stdout.as_ref());
        let master = master.ok_or_else(|| failed("terminal", "the container has none", Errno::ENOTSUP))?;
        let size = |characters: u32| u16::try_from(characters).unwrap_or(u16::MAX);
        tty::resize(&master.fd, size(request.width), size(request.height)).at("terminal")
    }

    fn forget(&mut self, request: &Forget) -> Result<()> {
        let found = self.containers.iter().find(|(_, container)| container.id == request.container_id);
        let (number, container) =
            found.ok_or_else(|| failed("no-such-container", &request.container_id, Errno::ENOENT))?;
        if !matches!(container.phase, Phase::Exited(_)) {
            return Err(failed("running", &request.container_id, Errno::EBUSY));
        }
        let number = *number;
        self.containers.remove(&number);
        Ok(())
    }
}

fn nothing((): ()) -> Vec<OwnedFd> {
    Vec::new()
}

fn open_socket(request: &OpenSocket) -> Result<Vec<OwnedFd>> {
    Ok(vec![socket::open(request.domain, request.r#type, request.protocol).at("socket")?])
}
