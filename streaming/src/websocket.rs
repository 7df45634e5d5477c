//! WebSocket (RFC 6455) as Kubernetes uses it: numbered channels in messages, or a tunnel for SPDY.
//!
//! Frames are tungstenite's work. A message is held whole before it is taken apart, so its size is bounded; what
//! is written is bounded too, so that a peer that pings and never reads costs nothing but its own session.

mod channels;
mod dialect;
mod tunnel;

use bytes::Bytes;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role as WireRole, WebSocketConfig},
};

pub(crate) use channels::Channels;
pub(crate) use dialect::{Coding, Dialect, TUNNEL};
pub(crate) use tunnel::Tunnel;

use crate::socket::Socket;

/// Of a message: clients of Kubernetes send what they read at once, some tens of kilobytes.
pub(crate) const MAX_MESSAGE: usize = 1024 * 1024;
/// Answers to pings that wait while a peer does not read. A frame of ours, 64 KiB at most, fits beside them.
const MAX_QUEUED: usize = 256 * 1024;
/// Fetched from the socket at once, and kept for as long as the session lives.
const READ_BUFFER: usize = 8 * 1024;

/// Why a session over WebSocket ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("websocket")]
    WebSocket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("the peer breaks its subprotocol: {0}")]
    Protocol(&'static str),
    #[error("no message for {0:?}")]
    Idle(std::time::Duration),
    #[error("the peer is gone")]
    Gone,
}

impl From<tokio_tungstenite::tungstenite::Error> for Error {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::WebSocket(Box::new(error))
    }
}

/// Which end of the connection we are: clients mask what they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// Begins after the handshake; `ahead` was read from `socket` already.
async fn open(socket: Socket, ahead: Bytes, role: Role) -> WebSocketStream<Socket> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // What is written goes to the socket at once; only what that does not take waits here.
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_QUEUED)
        .max_frame_size(Some(MAX_MESSAGE))
        .max_message_size(Some(MAX_MESSAGE));
    let role = match role {
        Role::Client => WireRole::Client,
        Role::Server => WireRole::Server,
    };
    WebSocketStream::from_partially_read(socket, ahead.to_vec(), role, Some(config)).await
}
