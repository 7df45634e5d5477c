//! What a connection knows: its streams, its windows, and the bytes waiting for the socket.

mod peer;

use std::{
    collections::{HashMap, VecDeque},
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::{Buf, BytesMut};

use super::{
    Error, QUEUE, Role, SESSION_WINDOW, STREAM_WINDOW,
    frame::{self, MAX_31, Reset},
    headers::{Decoder, Encoder, Headers},
};

/// What the protocol gives every stream and the session before anyone says otherwise.
const DEFAULT_WINDOW: i64 = 64 * 1024;

#[derive(Debug)]
pub(super) struct State {
    role: Role,
    streams: HashMap<u32, Entry>,
    max_streams: usize,
    next_id: u32,
    next_peer_id: u32,
    encoder: Encoder,
    /// `None` once no further streams are wanted: a decoder is most of what an idle session weighs.
    decoder: Option<Decoder>,
    /// Streams the peer opened and nobody fetched yet.
    fresh: VecDeque<u32>,
    /// Encoded frames for the socket.
    pub(super) out: Vec<u8>,
    pub(super) on_out: Option<Waker>,
    pub(super) on_fresh: Option<Waker>,
    on_room: Option<Waker>,
    windows: Windows,
    session_window: i64,
    initial_window: i64,
    /// Bytes held in all streams.
    held: usize,
    /// Bytes fetched or thrown away since the last WINDOW_UPDATE of the session.
    session_spent: usize,
    /// Whether the peer said GOAWAY, or is gone: no further streams.
    pub(super) peer_leaves: bool,
    pub(super) finishing: bool,
    pub(super) closed: bool,
    pub(super) last_activity: Instant,
}

/// One stream, from when it is opened until both our halves are dropped.
#[derive(Debug)]
pub(super) struct Entry {
    headers: Headers,
    received: BytesMut,
    /// Bytes fetched since the last WINDOW_UPDATE of the stream.
    spent: usize,
    window: i64,
    /// The peer sends no more.
    peer_fin: bool,
    /// We send no more.
    our_fin: bool,
    /// One of the ends reset the stream.
    reset: bool,
    reader_gone: bool,
    writer_gone: bool,
    on_read: Option<Waker>,
    on_write: Option<Waker>,
}

impl Entry {
    fn new(headers: Headers, window: i64) -> Self {
        Self {
            headers,
            received: BytesMut::new(),
            spent: 0,
            window,
            peer_fin: false,
            our_fin: false,
            reset: false,
            reader_gone: false,
            writer_gone: false,
            on_read: None,
            on_write: None,
        }
    }

    fn wake(&mut self) {
        self.on_read.take().into_iter().chain(self.on_write.take()).for_each(Waker::wake);
    }
}

impl State {
    pub(super) fn new(role: Role, max_streams: usize) -> Self {
        let (next_id, next_peer_id) = if role == Role::Client { (1, 2) } else { (2, 1) };
        let mut out = Vec::new();
        frame::initial_window(&mut out, STREAM_WINDOW as u32);
        frame::window_update(&mut out, 0, SESSION_WINDOW as u32 - DEFAULT_WINDOW as u32);
        Self {
            role,
            streams: HashMap::new(),
            max_streams,
            next_id,
            next_peer_id,
            encoder: Encoder::default(),
            decoder: Some(Decoder::default()),
            fresh: VecDeque::new(),
            out,
            on_out: None,
            on_fresh: None,
            on_room: None,
            windows: Windows::Unknown,
            session_window: DEFAULT_WINDOW,
            initial_window: DEFAULT_WINDOW,
            held: 0,
            session_spent: 0,
            peer_leaves: false,
            finishing: false,
            closed: false,
            last_activity: Instant::now(),
        }
    }

    // === our side ===

    /// Opens a stream; fails when the connection is over or its ids are used up.
    pub(super) fn open(&mut self, headers: Headers) -> Result<u32, Error> {
        if self.closed || self.finishing || self.peer_leaves || self.next_id > MAX_31 {
            return Err(Error::Closed);
        }
        let id = self.next_id;
        self.next_id += 2;
        let block = self.encoder.encode(&headers);
        frame::syn_stream(&mut self.out, id, &block);
        self.streams.insert(id, Entry::new(headers, self.initial_window));
        self.wake_out();
        Ok(id)
    }

    /// The oldest stream the peer opened and nobody fetched; it is answered here.
    pub(super) fn accept(&mut self) -> Option<(u32, Headers)> {
        let (id, headers) = loop {
            let id = self.fresh.pop_front()?;
            match self.streams.get_mut(&id) {
                // One that was sent whole before it was reset is still worth reading.
                Some(entry) if !entry.reset || entry.peer_fin => {
                    break (id, std::mem::take(&mut entry.headers));
                }
                // The peer thought better of it.
                Some(_) => self.drop_whole(id),
                None => {}
            }
        };
        let block = self.encoder.encode(&Headers::default());
        frame::syn_reply(&mut self.out, id, &block);
        self.wake_out();
        Some((id, headers))
    }

    /// From now on the peer's new streams are refused unread.
    pub(super) fn refuse_streams(&mut self) {
        self.decoder = None;
    }

    pub(super) fn read(
        &mut self,
        cx: &Context<'_>,
        id: u32,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<Read> {
        let closed = self.closed;
        let Some(entry) = self.streams.get_mut(&id) else { return Poll::Ready(Read::Broken) };
        let n = entry.received.len().min(into.remaining());
        if n == 0 {
            return match (entry.peer_fin, entry.reset || closed) {
                _ if into.remaining() == 0 => Poll::Ready(Read::Some),
                (true, _) => Poll::Ready(Read::End),
                (_, true) => Poll::Ready(Read::Broken),
                (false, false) => {
                    entry.on_read = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        into.put_slice(entry.received.get(..n).unwrap_or_default());
        entry.received.advance(n);
        if entry.received.is_empty() {
            entry.received = BytesMut::new();
        }
        entry.spent += n;
        let due = entry.spent >= STREAM_WINDOW / 2 && !entry.peer_fin && !entry.reset;
        if due {
            frame::window_update(&mut self.out, id, std::mem::take(&mut entry.spent) as u32);
            self.wake_out();
        }
        self.release(n);
        Poll::Ready(Read::Some)
    }

    /// How many bytes of at most `wanted` may be sent now.
    pub(super) fn may_write(&mut self, cx: &Context<'_>, id: u32, wanted: usize) -> Poll<Option<usize>> {
        let (closed, full) = (self.closed || self.finishing, self.out.len() >= QUEUE);
        let Some(entry) = self.streams.get_mut(&id) else { return Poll::Ready(None) };
        if closed || entry.our_fin || entry.reset {
            return Poll::Ready(None);
        }
        let window = match self.windows {
            Windows::Ignored => usize::MAX,
            Windows::Unknown | Windows::Used => entry.window.min(self.session_window).max(0) as usize,
        };
        let n = wanted.min(window);
        if full || (n == 0 && wanted > 0) {
            entry.on_write = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Some(n))
    }

    /// Queues what `may_write` allowed.
    pub(super) fn write(&mut self, id: u32, data: &[u8]) {
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.window -= data.len() as i64;
            self.session_window -= data.len() as i64;
            frame::data(&mut self.out, id, false, data);
            self.wake_out();
        }
    }

    /// Tells the peer that nothing more follows on this stream.
    pub(super) fn fin(&mut self, id: u32) {
        let over = self.closed || self.finishing;
        if let Some(entry) = self.streams.get_mut(&id).filter(|entry| !over && !entry.our_fin && !entry.reset)
        {
            entry.our_fin = true;
            frame::data(&mut self.out, id, true, &[]);
            self.wake_out();
        }
    }

    /// Ends the stream both ways at once.
    pub(super) fn reset(&mut self, id: u32) {
        if let Some(entry) = self.streams.get_mut(&id).filter(|entry| !entry.reset) {
            entry.reset = true;
            entry.wake();
            self.reset_frame(id, Reset::Cancel);
        }
    }

    fn drop_whole(&mut self, id: u32) {
        self.drop_reader(id);
        self.drop_writer(id);
    }

    pub(super) fn drop_reader(&mut self, id: u32) {
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.reader_gone = true;
            let unread = std::mem::take(&mut entry.received).len();
            self.release(unread);
            self.forget(id);
        }
    }

    pub(super) fn drop_writer(&mut self, id: u32) {
        self.fin(id);
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.writer_gone = true;
            self.forget(id);
        }
    }

    /// Removes a stream nobody holds; a peer that still sends on it is told to stop.
    fn forget(&mut self, id: u32) {
        if let Some(entry) = self.streams.get(&id).filter(|entry| entry.reader_gone && entry.writer_gone) {
            if !entry.peer_fin {
                self.reset(id);
            }
            self.streams.remove(&id);
        }
    }

    // === the connection's ends ===

    /// Says GOAWAY: what is queued is still sent, nothing is accepted any more.
    pub(super) fn finish(&mut self) {
        if !self.finishing && !self.closed {
            frame::go_away(&mut self.out, self.next_peer_id.saturating_sub(2));
            self.finishing = true;
            self.wake_out();
        }
    }

    /// The connection is over: whoever waits for it learns so.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.no_more_peer_streams();
        self.streams.values_mut().for_each(Entry::wake);
        self.wake_out();
        self.wake_room();
    }

    fn no_more_peer_streams(&mut self) {
        self.peer_leaves = true;
        self.on_fresh.take().into_iter().for_each(Waker::wake);
    }

    #[cfg(test)]
    pub(super) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Bytes held for readers that did not fetch them yet.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held
    }

    // === wakers and windows ===

    fn reset_frame(&mut self, id: u32, why: Reset) {
        if !self.finishing && !self.closed {
            frame::rst_stream(&mut self.out, id, why);
            self.wake_out();
        }
    }

    fn release(&mut self, n: usize) {
        self.held -= n;
        self.session_spent += n;
        self.return_session_window();
        self.wake_room();
    }

    fn return_session_window(&mut self) {
        if self.session_spent >= SESSION_WINDOW / 2 {
            frame::window_update(&mut self.out, 0, std::mem::take(&mut self.session_spent) as u32);
            self.wake_out();
        }
    }

    fn wake_out(&mut self) {
        self.on_out.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn wake_room(&mut self) {
        self.on_room.take().into_iter().for_each(Waker::wake);
    }

    /// All of them: which one gets the room that appeared is for the scheduler to decide.
    pub(super) fn wake_writers(&mut self) {
        for waker in self.streams.values_mut().filter_map(|entry| entry.on_write.take()) {
            waker.wake();
        }
    }
}

/// Whether the peer takes part in flow control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Windows {
    /// It has not said anything yet; the protocol's default windows hold.
    Unknown,
    /// It sent SETTINGS or WINDOW_UPDATE.
    Used,
    /// Its first frame was another one.
    Ignored,
}

/// What `State::read` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Some,
    End,
    Broken,
}
