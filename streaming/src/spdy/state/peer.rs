//! What the peer's frames do to a connection.

use std::{
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{Entry, State, Windows};
use crate::spdy::{
    Error, QUEUE_HARD, Role, SESSION_WINDOW, STREAM_WINDOW,
    frame::{self, Control, MAX_31, Reset},
};

impl State {
    pub(in crate::spdy) fn control(&mut self, frame: Control<'_>) -> Result<(), Error> {
        self.last_activity = Instant::now();
        if self.windows == Windows::Unknown {
            self.windows = Windows::Ignored;
            self.wake_writers();
        }
        match frame {
            Control::SynStream { id, fin, unidirectional, block } => {
                self.syn_stream(id, fin, unidirectional, block)?
            }
            Control::SynReply { id, fin, block } | Control::Headers { id, fin, block } => {
                // Nothing we need is in them, but the decoder has to see them.
                if let Some(decoder) = &mut self.decoder {
                    decoder.decode(block)?;
                }
                if fin {
                    self.peer_fin(id);
                }
            }
            Control::RstStream { id } => {
                if let Some(entry) = self.streams.get_mut(&id) {
                    entry.reset = true;
                    entry.wake();
                }
            }
            Control::Settings { initial_window } => self.settings(initial_window),
            // Odd pings are the client's; what is of our own parity is an answer.
            Control::Ping { id } if (id & 1 == 1) == (self.role == Role::Server) => {
                frame::ping(&mut self.out, id);
                self.wake_out();
            }
            Control::GoAway => self.no_more_peer_streams(),
            Control::WindowUpdate { id, delta } => self.window_update(id, delta)?,
            Control::Ping { .. } | Control::Unknown => {}
        }
        Ok(())
    }

    fn syn_stream(&mut self, id: u32, fin: bool, unidirectional: bool, block: &[u8]) -> Result<(), Error> {
        let headers = match &mut self.decoder {
            Some(decoder) => Some(decoder.decode(block)?),
            None => None,
        };
        let in_order = id >= self.next_peer_id && id & 1 == self.next_peer_id & 1;
        if !in_order {
            self.reset_frame(id, Reset::Protocol);
            return Ok(());
        }
        self.next_peer_id = id.saturating_add(2);
        let theirs = self.streams.keys().filter(|have| *have & 1 == id & 1).count();
        let Some(headers) = headers.filter(|_| theirs < self.max_streams && !self.finishing) else {
            self.reset_frame(id, Reset::Refused);
            return Ok(());
        };
        let mut entry = Entry::new(headers, self.initial_window);
        entry.peer_fin = fin;
        entry.our_fin = unidirectional;
        self.streams.insert(id, entry);
        self.fresh.push_back(id);
        self.on_fresh.take().into_iter().for_each(Waker::wake);
        Ok(())
    }

    fn settings(&mut self, initial_window: Option<u32>) {
        let Some(size) = initial_window else { return };
        self.windows = Windows::Used;
        let change = i64::from(size) - self.initial_window;
        self.initial_window += change;
        for entry in self.streams.values_mut() {
            entry.window += change;
        }
        self.wake_writers();
    }

    fn window_update(&mut self, id: u32, delta: u32) -> Result<(), Error> {
        self.windows = Windows::Used;
        if id == 0 {
            self.session_window += i64::from(delta);
            if self.session_window > i64::from(MAX_31) {
                return Err(Error::Protocol("session window overflows"));
            }
            self.wake_writers();
        } else if let Some(entry) = self.streams.get_mut(&id) {
            entry.window += i64::from(delta);
            if entry.window > i64::from(MAX_31) {
                entry.reset = true;
                entry.wake();
                self.reset_frame(id, Reset::FlowControl);
            } else if let Some(waker) = entry.on_write.take() {
                waker.wake();
            }
        }
        Ok(())
    }

    /// Takes as much of `data` as the stream has room for; ready with the number of bytes when that is not nothing.
    pub(in crate::spdy) fn data(&mut self, cx: &Context<'_>, id: u32, data: &[u8]) -> Poll<usize> {
        self.last_activity = Instant::now();
        let Some(entry) = self.streams.get_mut(&id).filter(|e| !e.reader_gone && !e.reset && !e.peer_fin)
        else {
            // Thrown away, as data for a stream we know no more must be; it still counts for the session.
            self.session_spent += data.len();
            self.return_session_window();
            return Poll::Ready(data.len());
        };
        let room = (STREAM_WINDOW - entry.received.len()).min(SESSION_WINDOW.saturating_sub(self.held));
        if room == 0 {
            self.on_room = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = room.min(data.len());
        entry.received.extend_from_slice(data.get(..taken).unwrap_or_default());
        self.held += taken;
        entry.on_read.take().into_iter().for_each(Waker::wake);
        Poll::Ready(taken)
    }

    pub(in crate::spdy) fn peer_fin(&mut self, id: u32) {
        if let Some(entry) = self.streams.get_mut(&id) {
            entry.peer_fin = true;
            entry.on_read.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Ready while what waits for the socket leaves room for answers to another frame.
    pub(in crate::spdy) fn poll_room_for_answers(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.out.len() < QUEUE_HARD {
            return Poll::Ready(());
        }
        self.on_room = Some(cx.waker().clone());
        Poll::Pending
    }
}
