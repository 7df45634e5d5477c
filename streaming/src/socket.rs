//! A client's connection: TCP, bare or with TLS over it, and whether its other end is still there.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest, ReadBuf},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time,
};
use tokio_rustls::TlsStream;

/// How often a session that may not read looks whether its peer is still there.
const GONE_CHECK: Duration = Duration::from_millis(500);

/// What HTTP, SPDY and WebSocket run on.
#[derive(Debug)]
pub(crate) enum Socket {
    Plain(Tcp),
    Tls(Box<TlsStream<Tcp>>),
}

/// A TCP connection whose state can be looked at while somebody else owns it.
#[derive(Debug)]
pub(crate) struct Tcp {
    reader: Arc<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

/// Tells whether the peer of a connection has left, without reading from it.
#[derive(Debug, Clone)]
pub(crate) struct Alive(Arc<OwnedReadHalf>);

/// The peer closed its side while we could not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Gone;

impl Tcp {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Small frames (a key, its echo) must not wait for more; failing only makes it slower.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Self { reader: Arc::new(reader), writer }
    }

    pub(crate) fn alive(&self) -> Alive {
        Alive(Arc::clone(&self.reader))
    }

    fn stream(&self) -> &TcpStream {
        (*self.reader).as_ref()
    }
}

impl Socket {
    pub(crate) fn alive(&self) -> Alive {
        match self {
            Self::Plain(tcp) => tcp.alive(),
            Self::Tls(tls) => tls.get_ref().0.alive(),
        }
    }
}

impl Alive {
    /// Waits for `ready` without reading, but not for a peer that is no longer there.
    pub(crate) async fn watching<T>(&self, ready: impl Future<Output = T>) -> Result<T, Gone> {
        let mut ready = pin!(ready);
        loop {
            tokio::select! {
                biased;
                value = &mut ready => return Ok(value),
                () = time::sleep(GONE_CHECK) => {}
            }
            let state = self.0.ready(Interest::READABLE).now_or_never();
            if state.is_some_and(|state| state.is_ok_and(|ready| ready.is_read_closed())) {
                return Err(Gone);
            }
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream().poll_read_ready(cx))?;
            match self.stream().try_read(buf.initialize_unfilled()) {
                Ok(n) => {
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
