//! Connections of berthd: accepted, read without waiting, answered without waiting.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::{
    monitor::{Failed, Reply, Request, reply},
    prost::Message,
};
use sys::{
    cred,
    epoll::Interest,
    seqpacket::{self, Incoming},
};

use crate::{
    event::{Id, Source},
    failure::failed,
    monitor::Monitor,
    report,
};

/// berthd has one connection per request under way; more than this many is a leak of somebody's.
const MAX_CONNECTIONS: usize = 1024;

#[derive(Debug)]
pub(crate) struct Connection {
    /// Non-blocking.
    socket: OwnedFd,
    pub(crate) watches: bool,
}

impl Monitor {
    pub(crate) fn on_listener(&mut self) {
        loop {
            let socket = match seqpacket::accept(&self.listener) {
                Ok(Some(socket)) => socket,
                Ok(None) => return,
                Err(error) => return report::line(&error.to_string()),
            };
            // The directory is berthd's alone; a second lock costs nothing.
            let trusted =
                seqpacket::peer_uid(&socket).is_ok_and(|uid| uid == 0 || uid == cred::effective_uid());
            if !trusted || self.connections.len() >= MAX_CONNECTIONS {
                continue;
            }
            let number = self.next_id();
            match self.epoll.add(socket.as_fd(), Source::Connection(number).token(), Interest::Read) {
                Ok(()) => drop(self.connections.insert(number, Connection { socket, watches: false })),
                Err(error) => report::line(&error.to_string()),
            }
        }
    }

    pub(crate) fn on_connection(&mut self, number: Id) {
        let Self { connections, buffers, .. } = self;
        let buffer = &mut buffers.read;
        let Some(connection) = connections.get(&number) else { return };
        let received = match seqpacket::recv(&connection.socket, buffer) {
            Ok(Incoming::Message(received)) => received,
            Ok(Incoming::WouldBlock) => return,
            Ok(Incoming::Closed) => return self.hang_up(number),
            Err(error) => {
                report::line(&error.to_string());
                return self.hang_up(number);
            }
        };
        match Request::decode(buffer.get(..received.length).unwrap_or_default()) {
            Ok(Request { request: Some(request) }) => self.serve(number, request, received.fds),
            Ok(Request { request: None }) => {
                self.refuse(
                    number,
                    failed("request", "of a kind this monitor does not know", sys::Errno::ENOSYS),
                );
            }
            Err(error) => {
                self.refuse(number, failed("request", format!("decode: {error}"), sys::Errno::EINVAL));
            }
        }
    }

    /// Sends an answer. `false`: whoever asked is gone, or does not read and has been dropped.
    pub(crate) fn reply(&mut self, number: Id, reply: &Reply, fds: &[BorrowedFd<'_>]) -> bool {
        let Some(connection) = self.connections.get(&number) else { return false };
        let sent = seqpacket::send(&connection.socket, &reply.encode_to_vec(), fds).unwrap_or(false);
        if !sent {
            self.hang_up(number);
        }
        sent
    }

    pub(crate) fn refuse(&mut self, number: Id, refused: Failed) {
        self.reply(number, &Reply { reply: Some(reply::Reply::Failed(refused)) }, &[]);
    }

    fn hang_up(&mut self, number: Id) {
        if self.connections.remove(&number).is_some() {
            self.kill_execs_of(number);
            // A start goes on: berthd may have died, and its successor finds the container by Watch.
            for handshake in self.handshakes.values().filter(|other| other.is_exec_for(number)) {
                handshake.kill();
            }
        }
    }
}
