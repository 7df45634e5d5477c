//! A container's standard input: bytes from attached clients, at the speed at which the container reads.
use std::os::fd::{AsFd, OwnedFd};

use sys::{
    epoll::{Epoll, Interest},
    fd,
    io::{self, Transfer},
};

use crate::{
    event::{Id, Source},
    monitor::Monitor,
};

/// One read from a client.
const CHUNK_BYTES: usize = 4096;

#[derive(Debug)]
pub(crate) struct Stdin {
    /// The container's pipe, or its terminal's master; non-blocking.
    target: OwnedFd,
    feeds: Vec<Feed>,
    /// Read from a client, not yet taken by the container. While there is any, no client is read.
    pending: Vec<u8>,
    /// The end of the first client's input is the end of the container's.
    once: bool,
}

#[derive(Debug)]
struct Feed {
    id: Id,
    reader: OwnedFd,
}

/// Whether the container still has an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    Ended,
}

impl Stdin {
    /// `once` makes no sense for a terminal, which has no half that could be closed.
    pub(crate) fn new(target: OwnedFd, once: bool) -> Self {
        Self { target, feeds: Vec::new(), pending: Vec::new(), once }
    }

    pub(crate) fn add_feed(
        &mut self,
        epoll: &Epoll,
        container: Id,
        id: Id,
        reader: OwnedFd,
    ) -> sys::Result<()> {
        fd::set_nonblocking(&reader, true)?;
        if self.pending.is_empty() {
            epoll.add(reader.as_fd(), Source::Feed(container, id).token(), Interest::Read)?;
        }
        self.feeds.push(Feed { id, reader });
        Ok(())
    }

    fn on_feed(&mut self, epoll: &Epoll, container: Id, id: Id) -> sys::Result<Input> {
        let Some(at) = self.feeds.iter().position(|feed| feed.id == id) else { return Ok(Input::Open) };
        let mut chunk = [0; CHUNK_BYTES];
        let read =
            self.feeds.get(at).map_or(Ok(Transfer::WouldBlock), |feed| io::read(&feed.reader, &mut chunk));
        match read? {
            Transfer::WouldBlock => Ok(Input::Open),
            Transfer::Closed => {
                self.feeds.swap_remove(at);
                Ok(if self.once { Input::Ended } else { Input::Open })
            }
            Transfer::Bytes(count) => {
                self.pending = chunk.get(..count).unwrap_or_default().to_vec();
                if self.flush()? == Input::Ended {
                    return Ok(Input::Ended);
                }
                if !self.pending.is_empty() {
                    self.feeds.iter().try_for_each(|feed| epoll.remove(&feed.reader))?;
                    epoll.add(self.target.as_fd(), Source::Stdin(container).token(), Interest::Write)?;
                }
                Ok(Input::Open)
            }
        }
    }

    fn on_writable(&mut self, epoll: &Epoll, container: Id) -> sys::Result<Input> {
        if self.flush()? == Input::Ended {
            return Ok(Input::Ended);
        }
        if self.pending.is_empty() {
            epoll.remove(&self.target)?;
            for feed in &self.feeds {
                epoll.add(feed.reader.as_fd(), Source::Feed(container, feed.id).token(), Interest::Read)?;
            }
        }
        Ok(Input::Open)
    }

    fn flush(&mut self) -> sys::Result<Input> {
        while !self.pending.is_empty() {
            match io::write(&self.target, &self.pending)? {
                Transfer::Bytes(count) => drop(self.pending.drain(..count)),
                Transfer::WouldBlock => return Ok(Input::Open),
                Transfer::Closed => return Ok(Input::Ended),
            }
        }
        self.pending = Vec::new();
        Ok(Input::Open)
    }
}

impl Monitor {
    pub(crate) fn on_feed(&mut self, container: Id, attachment: Id) {
        self.with_stdin(container, |stdin, epoll| stdin.on_feed(epoll, container, attachment));
    }

    pub(crate) fn on_stdin(&mut self, container: Id) {
        self.with_stdin(container, |stdin, epoll| stdin.on_writable(epoll, container));
    }

    /// An input that has ended, or fails, is closed together with what feeds it.
    fn with_stdin(&mut self, container: Id, work: impl FnOnce(&mut Stdin, &Epoll) -> sys::Result<Input>) {
        let Some(container) = self.containers.get_mut(&container) else { return };
        let Some(stdin) = &mut container.streams.stdin else { return };
        if work(stdin, &self.epoll) != Ok(Input::Open) {
            container.streams.stdin = None;
        }
    }
}
