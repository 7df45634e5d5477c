//! SPDY/3.1: many byte streams over one TCP connection, in either role.
//!
//! ```text
//! Connection (one future) ── reads frames ──► State (one mutex) ◄── Stream (poll_read, poll_write)
//!                         ◄─ writes bytes ──┘                   ◄── Handle (open, accept, finish)
//! ```
//! There is no task in here: whoever owns the [`Connection`] polls it, and dropping it ends every stream.
//!
//! **Flow control.** Kubernetes' own library (Go, spdystream) neither sends WINDOW_UPDATE nor heeds it, so a strict
//! sender would stall after 64 KiB. We hold back only for a peer that takes part (it announced a window or moved
//! one); for the others TCP is the limit. Towards us it is the same: a peer that ignores our windows finds that we
//! stop reading the connection while the stream it floods is full. Either way memory is bounded.

mod connection;
mod dictionary;
mod frame;
mod headers;
mod state;
mod stream;

pub(crate) use connection::{Connection, Handle, connect};
pub(crate) use headers::Headers;
pub(crate) use stream::Stream;

/// What one stream may have received and its reader not yet fetched.
const STREAM_WINDOW: usize = 64 * 1024;
/// The same for all streams of a connection: so many stalled streams leave room for the others.
const SESSION_WINDOW: usize = 64 * STREAM_WINDOW;
/// Writers of streams wait while so much is queued for the socket.
const QUEUE: usize = 256 * 1024;
/// We stop reading (and so stop answering pings and resets) while so much is queued for the socket.
const QUEUE_HARD: usize = 2 * QUEUE;
/// Payload of the data frames we send: a whole one fits in half a stream's window.
const MAX_DATA: usize = STREAM_WINDOW / 2;

/// Which end of the connection we are: clients open odd streams, servers even ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Io(&'static str, #[source] std::io::Error),
    #[error("the peer breaks SPDY/3.1: {0}")]
    Protocol(&'static str),
    #[error("no frame for {0:?}")]
    Idle(std::time::Duration),
    #[error("the connection is closed")]
    Closed,
}

#[cfg(test)]
mod tests;
