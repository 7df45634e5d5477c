//! One stream of a connection, as tokio's reader and writer.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    Headers, MAX_DATA,
    state::{Read, State},
};

/// The state every part of a connection shares; locked for moments, never across an await.
#[derive(Debug)]
pub(super) struct Shared(Mutex<State>);

impl Shared {
    pub(super) fn new(state: State) -> Arc<Self> {
        Arc::new(Self(Mutex::new(state)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both directions of one stream. Dropping it ends our direction and tells the peer to stop sending.
#[derive(Debug)]
pub(crate) struct Stream {
    id: u32,
    headers: Headers,
    reader: Reader,
    writer: Writer,
}

/// What the peer sends on a stream. Dropped early, the rest is thrown away as it arrives.
#[derive(Debug)]
pub(crate) struct Reader {
    id: u32,
    shared: Arc<Shared>,
}

/// What we send on a stream. Dropping it says that nothing more follows, as `shutdown` does.
#[derive(Debug)]
pub(crate) struct Writer {
    id: u32,
    shared: Arc<Shared>,
}

impl Stream {
    pub(super) fn new(id: u32, headers: Headers, shared: &Arc<Shared>) -> Self {
        let reader = Reader { id, shared: Arc::clone(shared) };
        let writer = Writer { id, shared: Arc::clone(shared) };
        Self { id, headers, reader, writer }
    }

    /// The stream's number on this connection.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// A header the opener sent, by name in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Ends both directions at once and abruptly, as a connection reset does.
    pub(crate) fn reset(self) {
        self.writer.shared.lock().reset(self.id);
    }

    /// The two directions, to be owned apart.
    pub(crate) fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match ready!(self.shared.lock().read(cx, self.id, buf)) {
            Read::Some | Read::End => Poll::Ready(Ok(())),
            Read::Broken => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shared.lock().drop_reader(self.id);
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.shared.lock();
        let Some(n) = ready!(state.may_write(cx, self.id, buf.len().min(MAX_DATA))) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        state.write(self.id, buf.get(..n).unwrap_or_default());
        Poll::Ready(Ok(n))
    }

    /// Written bytes are on their way; the connection sends them without being asked.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.lock().fin(self.id);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().drop_writer(self.id);
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
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
