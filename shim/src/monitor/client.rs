//! One connection to a monitor: datagrams with descriptors, awaited.
use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use prost::Message;
use proto::monitor::{self as wire, reply};
use sys::seqpacket::Incoming;
use tokio::io::{Interest, unix::AsyncFd};

use crate::{
    async_fd,
    error::{Error, Kind, Result},
    layout::MONITOR_SOCKET,
};

/// The protocol's longest message.
const MESSAGE: usize = 64 << 10;

/// A reply and the descriptors that came with it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: reply::Reply,
    pub(crate) fds: Vec<OwnedFd>,
}

#[derive(Debug)]
pub(crate) struct Connection {
    socket: AsyncFd<OwnedFd>,
}

impl Connection {
    /// Connects to the socket in a pod's run directory.
    pub(crate) fn connect(dir: BorrowedFd<'_>) -> io::Result<Self> {
        Self::over(sys::seqpacket::connect_at(dir, MONITOR_SOCKET)?)
    }

    pub(crate) fn over(socket: OwnedFd) -> io::Result<Self> {
        sys::fd::set_nonblocking(&socket, true)?;
        Ok(Self { socket: async_fd::watch(socket)? })
    }

    pub(crate) async fn send(&self, message: &impl Message, fds: &[OwnedFd]) -> io::Result<()> {
        let bytes = message.encode_to_vec();
        self.socket
            .async_io(Interest::WRITABLE, |socket| {
                let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(std::os::fd::AsFd::as_fd).collect();
                match sys::seqpacket::send(socket, &bytes, &borrowed)? {
                    true => Ok(()),
                    false => Err(io::ErrorKind::WouldBlock.into()),
                }
            })
            .await
    }

    /// The next message; `None` when the other side has closed.
    pub(crate) async fn receive<M: Message + Default>(&mut self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let mut buffer = vec![0u8; MESSAGE];
        let received = self
            .socket
            .async_io(Interest::READABLE, |socket| match sys::seqpacket::recv(socket, &mut buffer)? {
                Incoming::Message(received) => Ok(Some(received)),
                Incoming::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
                Incoming::Closed => Ok(None),
            })
            .await?;
        let Some(received) = received else { return Ok(None) };
        let message =
            M::decode(buffer.get(..received.length).unwrap_or_default()).map_err(io::Error::other)?;
        Ok(Some((message, received.fds)))
    }

    /// The next reply; a refusal becomes an error.
    pub(crate) async fn answer(&mut self) -> Result<Answer> {
        let received = self.receive::<wire::Reply>().await;
        match received {
            Ok(Some((wire::Reply { reply: Some(reply::Reply::Failed(failed)) }, _))) => Err(refusal(&failed)),
            Ok(Some((wire::Reply { reply: Some(reply) }, fds))) => Ok(Answer { reply, fds }),
            Ok(Some((wire::Reply { reply: None }, _))) => {
                Err(Error::internal("the monitor sent an empty reply"))
            }
            Ok(None) => {
                Err(Error::new(Kind::Unavailable, "the pod's monitor closed the connection without a reply"))
            }
            Err(error) => Err(Error::caused(Kind::Unavailable, "read the monitor's reply", error)),
        }
    }
}

/// Turns what the monitor refused into the daemon's error; the stage decides the kind.
pub(crate) fn refusal(failed: &wire::Failed) -> Error {
    let kind = match (failed.stage.as_str(), failed.errno) {
        ("no-such-container", _) => Kind::NotFound,
        ("not-running", _) => Kind::WrongState,
        (_, ENOSPC | EDQUOT | EMFILE | ENFILE | EAGAIN | ENOMEM) => Kind::Exhausted,
        ("exec" | "mount" | "user" | "cwd" | "sysctl" | "log" | "device", _) => Kind::Invalid,
        _ => Kind::Internal,
    };
    let what = format!("{}: {}", failed.stage, failed.what);
    match failed.errno {
        0 => Error::new(kind, what),
        errno => Error::caused(kind, what, io::Error::from_raw_os_error(errno)),
    }
}

const EAGAIN: i32 = 11;
const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;

/// Waits until a descriptor is readable; for a pidfd: until its process has ended.
pub(crate) async fn readable(fd: BorrowedFd<'_>) -> io::Result<()> {
    let watched = async_fd::watch(fd.try_clone_to_owned()?)?;
    let _ready = watched.readable().await?;
    Ok(())
}
