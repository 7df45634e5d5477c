//! AF_UNIX SOCK_SEQPACKET: one datagram is one message, descriptors travel beside it (unix(7), SCM_RIGHTS).
use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use crate::{Errno, Error, Result, error::Named, fd};

/// Most descriptors one message carries.
pub const MAX_FDS: usize = 16;

/// One received message.
#[derive(Debug)]
pub struct Received {
    pub length: usize,
    /// Close-on-exec.
    pub fds: Vec<OwnedFd>,
}

/// A connected pair, close-on-exec, blocking.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .named("socketpair", || "AF_UNIX, SOCK_SEQPACKET")
}

/// Binds and listens at `name` in `dir`; the socket is blocking and close-on-exec, its mode 0600 by umask or not.
///
/// The address goes through /proc/self/fd, so `dir` may be deeper than the 108 bytes an address holds.
pub fn listen_at(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let socket = socket()?;
    net::bind(&socket, &address(dir, name)?).named("bind", || format!("{dir:?}, {name:?}"))?;
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::chmodat(dir, name, mode, rustix::fs::AtFlags::empty())
        .named("fchmodat", || format!("{dir:?}, {name:?}"))?;
    // A burst of exec probes of one pod; more wait in connect().
    net::listen(&socket, 128).named("listen", || format!("{name:?}"))?;
    Ok(socket)
}

/// Connects to the socket `name` in `dir`; blocking and close-on-exec.
pub fn connect_at(dir: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let socket = socket()?;
    net::connect(&socket, &address(dir, name)?).named("connect", || format!("{dir:?}, {name:?}"))?;
    Ok(socket)
}

fn socket() -> Result<OwnedFd> {
    net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .named("socket", || "AF_UNIX, SOCK_SEQPACKET")
}

fn address(dir: BorrowedFd<'_>, name: &str) -> Result<SocketAddrUnix> {
    SocketAddrUnix::new(format!("{}/{name}", fd::proc_path(dir)))
        .named("bind", || format!("{dir:?}, {name:?}"))
}

/// accept4(2) with a non-blocking, close-on-exec result; `None` when nobody waits (non-blocking listener).
pub fn accept(listener: impl AsFd) -> Result<Option<OwnedFd>> {
    match net::accept_with(listener.as_fd(), SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
        Ok(connection) => Ok(Some(connection)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => Ok(None),
        Err(errno) => Err(Error::new("accept4", format_args!("{:?}", listener.as_fd()), errno.into())),
    }
}

/// User id of the process at the other end (SO_PEERCRED).
pub fn peer_uid(connection: impl AsFd) -> Result<u32> {
    let cred = net::sockopt::socket_peercred(connection.as_fd())
        .named("getsockopt", || format!("{:?}, SO_PEERCRED", connection.as_fd()))?;
    Ok(cred.uid.as_raw())
}

/// Sends one message. `Ok(false)`: the peer does not read and the socket is non-blocking.
///
/// # Errors
/// EPIPE or ECONNRESET when the peer is gone, EMSGSIZE when the message is larger than the send buffer or
/// carries more than [`MAX_FDS`] descriptors.
pub fn send(connection: impl AsFd, message: &[u8], fds: &[BorrowedFd<'_>]) -> Result<bool> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if fds.len() > MAX_FDS || !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Error::new("sendmsg", format_args!("{} descriptors", fds.len()), Errno::EMSGSIZE));
    }
    loop {
        let parts = [IoSlice::new(message)];
        return match net::sendmsg(connection.as_fd(), &parts, &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("sendmsg", format_args!("{} bytes", message.len()), errno.into())),
        };
    }
}

/// What [`recv`] found.
#[derive(Debug)]
pub enum Incoming {
    Message(Received),
    WouldBlock,
    /// The peer has closed its end (an empty message counts as that; nobody sends one).
    Closed,
}

/// Receives one message into `buffer`.
///
/// # Errors
/// EMSGSIZE when message or descriptors did not fit: nothing of it is used.
pub fn recv(connection: impl AsFd, buffer: &mut [u8]) -> Result<Incoming> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    loop {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let got = match net::recvmsg(connection.as_fd(), &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        {
            Ok(got) => got,
            Err(rustix::io::Errno::INTR) => continue,
            Err(rustix::io::Errno::AGAIN) => return Ok(Incoming::WouldBlock),
            Err(rustix::io::Errno::CONNRESET) => return Ok(Incoming::Closed),
            Err(errno) => {
                return Err(Error::new("recvmsg", format_args!("{:?}", connection.as_fd()), errno.into()));
            }
        };
        let mut fds = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                fds.extend(rights);
            }
        }
        if got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(Error::new("recvmsg", format_args!("{:?}", connection.as_fd()), Errno::EMSGSIZE));
        }
        if got.bytes == 0 {
            return Ok(Incoming::Closed);
        }
        return Ok(Incoming::Message(Received { length: got.bytes, fds }));
    }
}

#[cfg(test)]
mod tests;
