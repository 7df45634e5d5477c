//! The handshake between the monitor and a child it has forked, over a SEQPACKET pair that closes on exec.
//!
//! ```text
//!   child                                       monitor
//!     │ Child(pid, pidfd) ───────────────────────► the real child, when the first one only joined namespaces
//!     │ Terminal(master, peer) ──────────────────► the container's terminal
//!     │ Ready ───────────────────────────────────► all is set up, exec follows
//!     │ Failed ──────────────────────────────────► nothing will run; wins over an earlier Ready
//!     └ closed ──────────────────────────────────► after Ready: running; without it: died
//! ```
use std::os::fd::{AsFd, OwnedFd};

use proto::{monitor::Failed, prost::Message};
use sys::{
    Errno, io,
    seqpacket::{self, Incoming},
};

use crate::failure::{At, Result, failed};

const STAGE: &str = "handshake";
/// A failure names a path or two; what is longer is cut.
const LIMIT_BYTES: usize = 4096;

/// One message of the child.
#[derive(Debug)]
pub(crate) enum Word {
    Child(i32, OwnedFd),
    /// Master and peer.
    Terminal(OwnedFd, OwnedFd),
    Ready,
    Failed(Failed),
}

pub(crate) fn send_child(sync: &OwnedFd, pid: i32, pidfd: &OwnedFd) -> Result<()> {
    let [a, b, c, d] = pid.to_ne_bytes();
    seqpacket::send(sync, &[b'C', a, b, c, d], &[pidfd.as_fd()]).at(STAGE).map(drop)
}

pub(crate) fn send_terminal(sync: &OwnedFd, master: &OwnedFd, peer: &OwnedFd) -> Result<()> {
    seqpacket::send(sync, b"T", &[master.as_fd(), peer.as_fd()]).at(STAGE).map(drop)
}

/// By write(2), which every seccomp profile allows.
pub(crate) fn send_ready(sync: &OwnedFd) -> Result<()> {
    io::write(sync, b"R").at(STAGE).map(drop)
}

/// Best effort: there is nobody else to tell.
pub(crate) fn send_failed(sync: &OwnedFd, failed: &Failed) {
    let mut failed = failed.clone();
    let end = failed.what.floor_char_boundary(LIMIT_BYTES - 256);
    failed.what.truncate(end);
    let mut message = vec![b'F'];
    // Cannot fail: a vector grows.
    failed.encode(&mut message).ok();
    io::write(sync, &message).ok();
}

/// The next word; `None` when the other side is gone or, on a non-blocking socket, has nothing to say (then
/// `recv_now` tells the two apart).
pub(crate) fn recv(sync: &OwnedFd) -> Result<Option<Word>> {
    match recv_now(sync)? {
        Heard::Word(word) => Ok(Some(word)),
        Heard::Nothing | Heard::End => Ok(None),
    }
}

/// What a non-blocking look brought.
#[derive(Debug)]
pub(crate) enum Heard {
    Word(Word),
    Nothing,
    End,
}

pub(crate) fn recv_now(sync: &OwnedFd) -> Result<Heard> {
    let mut buffer = [0; LIMIT_BYTES];
    let message = match seqpacket::recv(sync, &mut buffer).at(STAGE)? {
        Incoming::Message(message) => message,
        Incoming::WouldBlock => return Ok(Heard::Nothing),
        Incoming::Closed => return Ok(Heard::End),
    };
    let bytes = buffer.get(..message.length).unwrap_or_default();
    let mut fds = message.fds.into_iter();
    let word = match (bytes, fds.next(), fds.next()) {
        ([b'C', a, b, c, d], Some(pidfd), None) => Word::Child(i32::from_ne_bytes([*a, *b, *c, *d]), pidfd),
        ([b'T'], Some(master), Some(peer)) => Word::Terminal(master, peer),
        ([b'R'], None, None) => Word::Ready,
        ([b'F', rest @ ..], None, None) => Word::Failed(
            Failed::decode(rest)
                .unwrap_or_else(|_| failed(STAGE, "a failure too long to read", Errno::EMSGSIZE)),
        ),
        _ => return Err(failed(STAGE, "a message that is none of ours", Errno::EINVAL)),
    };
    Ok(Heard::Word(word))
}
