//! Sockets of any kind, for handing out from inside a namespace, plus shutdown of one direction.
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{self, AddressFamily, Protocol, SocketFlags, SocketType};

use crate::{Errno, Error, Result, error::Named};

/// socket(2) with plain numbers, close-on-exec and blocking.
///
/// # Errors
/// EINVAL for numbers outside what the call can express.
pub fn open(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    let args = || format!("{domain}, {kind}, {protocol}");
    let invalid = || Error::new("socket", args(), Errno::EINVAL);
    let family = AddressFamily::from_raw(u16::try_from(domain).map_err(|_| invalid())?);
    let kind = SocketType::from_raw(u32::try_from(kind).map_err(|_| invalid())?);
    let raw = u32::try_from(protocol).map_err(|_| invalid())?;
    let protocol = std::num::NonZeroU32::new(raw).map(Protocol::from_raw);
    net::socket_with(family, kind, SocketFlags::CLOEXEC, protocol).named("socket", args)
}

/// An AF_NETLINK/NETLINK_ROUTE socket of the caller's network namespace, which it keeps wherever it is sent.
pub fn netlink_route() -> Result<OwnedFd> {
    open(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)
}

/// shutdown(2) for writing: the peer reads end of file.
pub fn shutdown_write(socket: impl AsFd) -> Result<()> {
    net::shutdown(socket.as_fd(), net::Shutdown::Write)
        .named("shutdown", || format!("{:?}, SHUT_WR", socket.as_fd()))
}
