//! The one future of a connection: moves bytes between its socket and its streams until either end stops.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{self, AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time,
};

use super::{
    Error, Headers, Role, Stream,
    frame::{Control, HEAD, Head},
    state::State,
    stream::Shared,
};
use crate::{
    Duplex,
    socket::{Alive, Gone},
};

/// Bytes fetched from the socket at once.
const CHUNK: usize = 16 * 1024;
/// Of the write buffer, from one batch to the next.
const KEPT: usize = 1024;
/// How long the peer may take to read our last words before the socket is closed under it.
const LINGER: Duration = Duration::from_secs(60);

/// A socket, or a tunnel through another protocol.
type ReadHalf = io::ReadHalf<Box<dyn Duplex>>;
type WriteHalf = io::WriteHalf<Box<dyn Duplex>>;

/// The work of a connection. Nothing moves unless [`Connection::run`] is polled; dropping it ends every stream.
pub(crate) struct Connection {
    socket: Incoming,
    sink: WriteHalf,
    /// Bytes of the next frames.
    ahead: BytesMut,
    shared: Arc<Shared>,
    idle: Duration,
}

/// Where frames come from.
struct Incoming {
    half: ReadHalf,
    alive: Alive,
}

/// What the users of a connection hold.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

/// Begins a connection over `socket`, of which `ahead` was read already; `alive` watches what is below it.
///
/// The peer may have `max_streams` streams of its own open at once; further ones are refused.
pub(crate) fn connect(
    socket: impl Duplex + 'static,
    alive: Alive,
    ahead: Bytes,
    role: Role,
    max_streams: usize,
    idle: Duration,
) -> (Connection, Handle) {
    let shared = Shared::new(State::new(role, max_streams));
    let handle = Handle { shared: Arc::clone(&shared) };
    let (half, sink) = io::split(Box::new(socket) as Box<dyn Duplex>);
    let socket = Incoming { half, alive };
    (Connection { socket, sink, ahead: BytesMut::from(ahead.as_ref()), shared, idle }, handle)
}

impl Handle {
    /// Opens a stream; it can be written to at once.
    pub(crate) fn open(&self, headers: Headers) -> Result<Stream, Error> {
        let id = self.shared.lock().open(headers)?;
        Ok(Stream::new(id, Headers::default(), &self.shared))
    }

    /// The next stream the peer opens; `None` when no more will come.
    pub(crate) async fn accept(&self) -> Option<Stream> {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if let Some((id, headers)) = state.accept() {
                return Poll::Ready(Some(Stream::new(id, headers, &self.shared)));
            }
            if state.peer_leaves {
                return Poll::Ready(None);
            }
            state.on_fresh = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Refuses all further streams of the peer, and frees what reading their headers takes.
    pub(crate) fn refuse_streams(&self) {
        self.shared.lock().refuse_streams();
    }

    /// Says good-bye: what was written is still sent, then [`Connection::run`] ends well.
    pub(crate) fn finish(&self) {
        self.shared.lock().finish();
    }

    /// How many streams are open, of either side.
    #[cfg(test)]
    pub(crate) fn streams(&self) -> usize {
        self.shared.lock().streams()
    }

    /// Bytes received that nobody fetched yet.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.shared.lock().held()
    }
}

impl Connection {
    /// Runs until the peer closes, `finish` is done, nothing happened for the idle time, or something fails.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let result = {
            let idle = idle(&shared, self.idle);
            let reading = read_loop(&mut self.socket, &mut self.ahead, &shared);
            let writing = write_loop(&mut self.sink, &shared);
            tokio::select! {
                result = reading => result,
                result = writing => result,
                result = idle => result,
            }
        };
        shared.lock().close();
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.shared.lock().close();
    }
}

/// Ends with an error when no frame came or went for `limit`.
async fn idle(shared: &Shared, limit: Duration) -> Result<(), Error> {
    loop {
        let deadline = shared.lock().last_activity + limit;
        if deadline <= std::time::Instant::now() {
            return Err(Error::Idle(limit));
        }
        time::sleep_until(deadline.into()).await;
    }
}

// === socket → streams ===

async fn read_loop(socket: &mut Incoming, ahead: &mut BytesMut, shared: &Shared) -> Result<(), Error> {
    loop {
        if !fill(socket, ahead, HEAD).await? {
            return Ok(());
        }
        let Some(head) = ahead.split_to(HEAD).first_chunk::<HEAD>().copied() else {
            return Err(Error::Closed);
        };
        match Head::parse(head)? {
            Head::Data { id, fin, length } => {
                receive(socket, ahead, shared, id, length).await?;
                if fin {
                    shared.lock().peer_fin(id);
                }
            }
            Head::Control { kind, flags, length } => {
                if !fill(socket, ahead, length).await? {
                    return Err(Error::Protocol("cut off within a frame"));
                }
                let payload = ahead.split_to(length);
                watching(&socket.alive, poll_fn(|cx| shared.lock().poll_room_for_answers(cx))).await?;
                shared.lock().control(Control::parse(kind, flags, &payload)?)?;
            }
        }
    }
}

/// Reads until `ahead` holds `wanted` bytes; false at the end of the stream between two frames.
async fn fill(socket: &mut Incoming, ahead: &mut BytesMut, wanted: usize) -> Result<bool, Error> {
    while ahead.len() < wanted {
        if more(socket, ahead).await? == 0 {
            return if ahead.is_empty() { Ok(false) } else { Err(Error::Protocol("cut off within a frame")) };
        }
    }
    Ok(true)
}

/// Appends what the socket has. The buffer is on the stack for the moment of the system call only, so an idle
/// connection holds none.
async fn more(socket: &mut Incoming, ahead: &mut BytesMut) -> Result<usize, Error> {
    if ahead.is_empty() {
        *ahead = BytesMut::new();
    }
    poll_fn(|cx| {
        let mut chunk = [0; CHUNK];
        let mut chunk = ReadBuf::new(&mut chunk);
        let result = std::task::ready!(pin!(&mut socket.half).poll_read(cx, &mut chunk));
        ahead.extend_from_slice(chunk.filled());
        Poll::Ready(result.map(|()| chunk.filled().len()).map_err(|error| Error::Io("read", error)))
    })
    .await
}

/// Moves a data frame's payload to its stream, in pieces, at the speed of the stream's reader.
async fn receive(
    socket: &mut Incoming,
    ahead: &mut BytesMut,
    shared: &Shared,
    id: u32,
    length: usize,
) -> Result<(), Error> {
    let mut left = length;
    while left > 0 {
        if ahead.is_empty() && more(socket, ahead).await? == 0 {
            return Err(Error::Protocol("cut off within a frame"));
        }
        let piece = ahead.get(..left.min(ahead.len())).unwrap_or_default();
        let taken = watching(&socket.alive, poll_fn(|cx| shared.lock().data(cx, id, piece))).await?;
        ahead.advance(taken);
        left -= taken;
    }
    Ok(())
}

/// Waits for `ready` without reading, but not for a peer that is no longer there.
async fn watching<T>(alive: &Alive, ready: impl Future<Output = T>) -> Result<T, Error> {
    alive.watching(ready).await.map_err(|Gone| Error::Closed)
}

// === streams → socket ===

/// Writes what is queued. When the connection is to finish: the rest, the end, and a while for the peer to read it.
async fn write_loop(sink: &mut WriteHalf, shared: &Shared) -> Result<(), Error> {
    let mut batch = Vec::new();
    loop {
        let more = poll_fn(|cx| {
            let mut state = shared.lock();
            if state.out.is_empty() && !state.finishing && !state.closed {
                state.on_out = Some(cx.waker().clone());
                return Poll::Pending;
            }
            std::mem::swap(&mut state.out, &mut batch);
            state.last_activity = std::time::Instant::now();
            state.wake_room();
            state.wake_writers();
            Poll::Ready(!batch.is_empty())
        })
        .await;
        if !more {
            break;
        }
        write_all(sink, &batch).await?;
        batch.clear();
        if batch.capacity() > KEPT {
            // Connections are idle most of their life.
            batch = Vec::new();
        }
    }
    sink.shutdown().await.map_err(|error| Error::Io("shutdown", error))?;
    // The peer closes when it has read our GOAWAY: then the read loop ends, and with it this.
    time::sleep(LINGER).await;
    Ok(())
}

/// Flushed, because below us may be TLS or a WebSocket, which keep what the socket does not take.
async fn write_all(sink: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Error> {
    let written = async {
        sink.write_all(bytes).await?;
        sink.flush().await
    };
    written.await.map_err(|error| Error::Io("write", error))
}
