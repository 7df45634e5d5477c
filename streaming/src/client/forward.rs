//! Port-forward as a client: any number of connections to a pod's ports through one session.

use std::{
    io,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_util::task::AbortOnDropHandle;

use super::{ClientError, Way, Wire, upgrade};
use crate::{
    over_spdy::{
        self,
        header::{PORT, REQUEST_ID, STREAM_TYPE},
    },
    session::protocol::PORT_FORWARD,
    spdy::{self, Handle, Headers, Role, Stream},
    websocket::{self, TUNNEL, Tunnel},
};

/// Of the server's words about one connection.
const MAX_TEXT: u64 = 16 * 1024;

/// A session with a pod; dropping it ends every connection made through it.
#[derive(Debug)]
pub struct PortForwarder {
    handle: Handle,
    requests: AtomicU64,
    /// The connection's future, aborted with this.
    connection: AbortOnDropHandle<()>,
}

/// Opens the session behind a port-forward URL.
pub async fn port_forward(url: &str) -> Result<PortForwarder, ClientError> {
    port_forward_by(&Way::default(), url).await
}

/// As `port_forward`, by a way of one's choice.
pub async fn port_forward_by(way: &Way, url: &str) -> Result<PortForwarder, ClientError> {
    let (connection, handle) = match way.wire {
        Wire::Spdy => {
            let opened = upgrade::open(way, url, &[PORT_FORWARD]).await?;
            let alive = opened.socket.alive();
            spdy::connect(opened.socket, alive, opened.ahead, Role::Client, 0, over_spdy::IDLE)
        }
        Wire::WebSocket => {
            let opened = upgrade::open(way, url, &[TUNNEL]).await?;
            let alive = opened.socket.alive();
            let tunnel = Tunnel::open(opened.socket, opened.ahead, websocket::Role::Client).await;
            spdy::connect(tunnel, alive, Bytes::new(), Role::Client, 0, over_spdy::IDLE)
        }
    };
    let connection = tokio::spawn(async move {
        if let Err(error) = connection.run().await {
            tracing::debug!(%error, "port-forward connection ended");
        }
    });
    Ok(PortForwarder { handle, requests: AtomicU64::new(0), connection: AbortOnDropHandle::new(connection) })
}

impl PortForwarder {
    /// Connects to `port` on the pod's localhost. That nobody listens there is found on reading.
    pub fn connect(&self, port: u16) -> Result<Forwarded, ClientError> {
        let request = self.requests.fetch_add(1, Ordering::Relaxed).to_string();
        let open = |kind: &str| {
            let headers = Headers::default().with(STREAM_TYPE, kind).with(PORT, port.to_string());
            let opened = self.handle.open(headers.with(REQUEST_ID, request.clone()));
            opened.map_err(|error| ClientError::Lost(Some(error.into())))
        };
        let (error, data) = (open("error")?, open("data")?);
        Ok(Forwarded { data, error })
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        self.connection.is_finished()
    }
}

/// A connection to a port of a pod. `shutdown` half-closes it.
#[derive(Debug)]
pub struct Forwarded {
    data: Stream,
    error: Stream,
}

impl Forwarded {
    /// Waits for the server's last word on this connection: an error if it could not reach the port.
    pub async fn verdict(self) -> Result<(), ClientError> {
        let Self { data, error } = self;
        drop(data);
        let mut text = String::new();
        // Cut off means the same as said nothing: the reader of `data` has seen that already.
        let _ = error.take(MAX_TEXT).read_to_string(&mut text).await;
        if text.is_empty() { Ok(()) } else { Err(ClientError::Remote(text)) }
    }
}

impl AsyncRead for Forwarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.data).poll_read(cx, buf)
    }
}

impl AsyncWrite for Forwarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.data).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.data).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.data).poll_shutdown(cx)
    }
}
