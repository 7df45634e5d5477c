//! A byte stream in binary messages: what SPDY runs on when the way to the server is a WebSocket.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error as WireError, Message, error::ProtocolError},
};

use super::{Role, open};
use crate::socket::Socket;

/// Of a message we send.
const MAX_PIECE: usize = 32 * 1024;

/// Reads and writes one WebSocket as a stream without messages. `shutdown` sends the closing handshake.
#[derive(Debug)]
pub(crate) struct Tunnel {
    socket: WebSocketStream<Socket>,
    /// Of the message that came last.
    unread: Bytes,
}

impl Tunnel {
    pub(crate) async fn open(socket: Socket, ahead: Bytes, role: Role) -> Self {
        Self { socket: open(socket, ahead, role).await, unread: Bytes::new() }
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            self.unread = match ready!(Pin::new(&mut self.socket).poll_next(cx)) {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Text(_))) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "text in a tunnel")));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Bytes::new(),
                // A peer that just closes its connection means the same as one that says so first.
                None
                | Some(
                    Ok(Message::Close(_))
                    | Err(WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake)),
                ) => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            };
        }
        let n = self.unread.len().min(buf.remaining());
        buf.put_slice(self.unread.get(..n).unwrap_or_default());
        self.unread.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    /// What was written may wait in the library until `flush`.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(Pin::new(&mut self.socket).poll_ready(cx)).map_err(io::Error::other)?;
        let piece = buf.get(..buf.len().min(MAX_PIECE)).unwrap_or_default();
        let message = Message::Binary(Bytes::copy_from_slice(piece));
        Pin::new(&mut self.socket).start_send(message).map_err(io::Error::other)?;
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx).map_err(io::Error::other)
    }
}
