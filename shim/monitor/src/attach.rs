//! Attach: copies of a container's output, and input from a client.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::Attach;
use sys::{
    Errno,
    epoll::Interest,
    fd,
    io::{self, Transfer},
};

use crate::{
    event::{Id, Source, Stream},
    failure::{At, Result, failed},
    monitor::Monitor,
};

const STAGE: &str = "attach";
/// Each attachment costs descriptors; more than this many clients of one container is a leak of somebody's.
const MAX_ATTACHMENTS: usize = 64;
/// Room for a reader that falls behind for a moment; the kernel takes memory only for what is in it.
const TAP_PIPE_BYTES: usize = 1024 * 1024;

/// One client's copy of one stream.
#[derive(Debug)]
pub(crate) struct Tap {
    pub(crate) id: Id,
    pub(crate) stream: Stream,
    /// Non-blocking.
    writer: OwnedFd,
}

impl Tap {
    /// Whether the client took everything. One that did not is dropped: it would see a stream with a hole.
    pub(crate) fn offer(&self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match io::write(&self.writer, bytes) {
                Ok(Transfer::Bytes(count)) => bytes = bytes.get(count..).unwrap_or_default(),
                Ok(Transfer::WouldBlock | Transfer::Closed) | Err(_) => return false,
            }
        }
        true
    }
}

impl Monitor {
    /// The client's ends, in the order of the protocol.
    pub(crate) fn attach(&mut self, request: &Attach) -> Result<Vec<OwnedFd>> {
        let number = self.running(&request.container_id)?;
        let Self { epoll, containers, .. } = self;
        let Some(container) = containers.get_mut(&number) else { return Err(gone()) };
        let streams = &mut container.streams;
        if streams.taps.len() >= MAX_ATTACHMENTS {
            return Err(failed(STAGE, format!("{MAX_ATTACHMENTS} attachments"), Errno::EMFILE));
        }
        let mut ends = Vec::new();
        if request.stdin {
            streams.next_attachment += 1;
            let (reader, writer) = io::pipe().at(STAGE)?;
            // A container without input: the client may write, into a pipe that nobody reads any more.
            if let Some(stdin) = &mut streams.stdin {
                stdin.add_feed(epoll, number, streams.next_attachment, reader).at(STAGE)?;
            }
            ends.push(writer);
        }
        for (wanted, stream) in [(request.stdout, Stream::Stdout), (request.stderr, Stream::Stderr)] {
            if !wanted {
                continue;
            }
            let (reader, writer) = io::pipe().at(STAGE)?;
            // A stream that has ended, or stderr of a terminal: the reader sees end of file.
            if streams.output_mut(stream).is_some() {
                streams.next_attachment += 1;
                let id = streams.next_attachment;
                fd::set_nonblocking(&writer, true).at(STAGE)?;
                io::set_pipe_size(&writer, TAP_PIPE_BYTES).ok();
                let token = Source::Tap(number, id).token();
                epoll.add(writer.as_fd(), token, Interest::None).at(STAGE)?;
                streams.taps.push(Tap { id, stream, writer });
            }
            ends.push(reader);
        }
        Ok(ends)
    }

    /// A client closed its reader.
    pub(crate) fn on_tap(&mut self, container: Id, attachment: Id) {
        if let Some(container) = self.containers.get_mut(&container) {
            container.streams.taps.retain(|tap| tap.id != attachment);
        }
    }
}

fn gone() -> proto::monitor::Failed {
    failed("no-such-container", "", Errno::ENOENT)
}
