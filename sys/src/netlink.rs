//! AF_NETLINK sockets (netlink(7)): whole datagrams to and from the kernel, with its extended error texts switched on.
#![expect(unsafe_code, reason = "setsockopt(2) at level SOL_NETLINK")]

use std::{
    fmt,
    mem::size_of_val,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::net::{self, RecvFlags, SendFlags, SocketAddrAny, netlink::SocketAddrNetlink, sockopt};

use crate::{
    Errno, Error, Result,
    error::{Named, check},
    socket,
};

/// A netlink protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `NETLINK_ROUTE`: links, addresses, routes (rtnetlink(7)).
    Route,
    /// `NETLINK_NETFILTER`: nftables, conntrack.
    Netfilter,
}

/// Longest wait for an answer. The kernel answers within the request's send(2) and queues it, so that in truth only a
/// bug of ours (an answer that never comes) waits here.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Most datagrams of other processes that one [`receive`] passes over.
const FOREIGN_MAX: usize = 64;

/// A prepared socket of the caller's network namespace, close-on-exec and blocking.
pub fn open(family: Family) -> Result<OwnedFd> {
    let protocol = match family {
        Family::Route => libc::NETLINK_ROUTE,
        Family::Netfilter => libc::NETLINK_NETFILTER,
    };
    let socket = socket::open(libc::AF_NETLINK, libc::SOCK_RAW, protocol)?;
    prepare(socket.as_fd())?;
    Ok(socket)
}

/// Makes `socket` (perhaps made elsewhere, in another network namespace) answer as this module expects: errors with the
/// kernel's text, acknowledgements without a copy of the request, dumps that refuse filters they do not know, and no endless
/// wait. Idempotent; it needs not be bound, for the first send does that.
pub fn prepare(socket: BorrowedFd<'_>) -> Result<()> {
    for (option, name) in [
        (libc::NETLINK_EXT_ACK, "NETLINK_EXT_ACK"),
        (libc::NETLINK_CAP_ACK, "NETLINK_CAP_ACK"),
        (libc::NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK"),
    ] {
        enable(socket, option).named("setsockopt", || format!("{socket:?}, SOL_NETLINK, {name}"))?;
    }
    sockopt::set_socket_timeout(socket, sockopt::Timeout::Recv, Some(ANSWER_TIMEOUT))
        .named("setsockopt", || format!("{socket:?}, SOL_SOCKET, SO_RCVTIMEO"))
}

fn enable(socket: BorrowedFd<'_>, option: libc::c_int) -> std::result::Result<(), Errno> {
    let one: libc::c_int = 1;
    let length = size_of_val(&one) as libc::socklen_t;
    // SAFETY: `socket` is open for the call; the pointer is to a live int and `length` is its size.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_NETLINK, option, (&raw const one).cast(), length)
    };
    check(done.into()).map(drop)
}

/// Sends `messages` (one or more, each padded to 4 bytes) to the kernel in one datagram. It has dealt with all of them when
/// this returns.
///
/// # Errors
/// EMSGSIZE when they do not fit the send buffer (about 200 KiB).
pub fn send(socket: BorrowedFd<'_>, messages: &[u8]) -> Result<()> {
    let args = || format!("{socket:?}, {} bytes", messages.len());
    loop {
        return match net::sendto(socket, messages, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)) {
            Ok(sent) if sent == messages.len() => Ok(()),
            Ok(_) => Err(Error::new("sendto", args(), Errno::EMSGSIZE)),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("sendto", args(), errno.into())),
        };
    }
}

/// Receives one datagram from the kernel into `buffer` and says how long it is. What other processes send (those with
/// CAP_NET_ADMIN in the socket's namespace can) is passed over.
///
/// # Errors
/// ETIMEDOUT after ten seconds; EBUSY when others send and send; EMSGSIZE when the datagram did not fit (its rest is lost); ENOBUFS when the kernel had to
/// drop answers.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    let room = buffer.len();
    let fail = |errno: Errno| Err(Error::new("recvfrom", describe(socket, room), errno));
    for _ in 0..FOREIGN_MAX {
        match net::recvfrom(socket, &mut *buffer, RecvFlags::TRUNC) {
            Ok((_, _, sender)) if !from_kernel(sender.as_ref()) => {}
            Ok((_, length, _)) if length > room => return fail(Errno::EMSGSIZE),
            Ok((_, length, _)) => return Ok(length),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return fail(Errno::ETIMEDOUT),
            Err(errno) => return fail(errno.into()),
        }
    }
    fail(Errno::EBUSY)
}

fn describe(socket: BorrowedFd<'_>, room: usize) -> impl fmt::Display {
    format!("{socket:?}, {room} bytes")
}

/// The kernel's port id is 0, and only it can send from there.
fn from_kernel(sender: Option<&SocketAddrAny>) -> bool {
    sender.is_some_and(|any| SocketAddrNetlink::try_from(any.clone()).is_ok_and(|address| address.pid() == 0))
}

#[cfg(test)]
mod tests;
