//! Moves a container's output: read once, copied to whoever is attached, appended to the log.
use sys::{
    io::{self, Transfer},
    pages::Pages,
    time,
};

use crate::{
    event::Stream,
    failure::{At, Result},
    log::Records,
    report,
    streams::Streams,
};

/// One read: what a pipe holds.
const READ_BYTES: usize = 64 * 1024;
/// One write to the log, and room for one record more.
const WRITE_BYTES: usize = 80 * 1024;
/// A batch larger than this leaves pages behind that are worth giving back.
const COLD_BYTES: usize = 4096;

/// The two big buffers of the process, shared by all streams and requests.
#[derive(Debug)]
pub(crate) struct Buffers {
    pub(crate) read: Pages,
    write: Pages,
    /// Something large has passed through since the last `release`.
    warm: bool,
}

impl Buffers {
    pub(crate) fn new() -> Result<Self> {
        let pages = |length| Pages::new(length).at("setup");
        Ok(Self { read: pages(READ_BYTES)?, write: pages(WRITE_BYTES)?, warm: false })
    }

    pub(crate) fn are_warm(&self) -> bool {
        self.warm
    }

    /// Gives the memory back; the next batch takes it anew.
    pub(crate) fn release(&mut self) {
        self.read.release().ok();
        self.write.release().ok();
        self.warm = false;
    }
}

/// What one round of a stream found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pumped {
    More,
    /// Nothing to read now.
    Idle,
    /// End of the stream; it is closed on our side too.
    End,
}

impl Streams {
    /// One round of one stream: one read, so that a container that floods us does not starve the others.
    pub(crate) fn pump(&mut self, stream: Stream, buffers: &mut Buffers) -> Pumped {
        let Some(output) = self.output_mut(stream) else { return Pumped::End };
        let count = match io::read(&output.fd, &mut buffers.read) {
            Ok(Transfer::Bytes(count)) => count,
            Ok(Transfer::WouldBlock) => return Pumped::Idle,
            Ok(Transfer::Closed) => {
                self.end(stream, buffers);
                return Pumped::End;
            }
            Err(error) => {
                report::line(&error.to_string());
                self.end(stream, buffers);
                return Pumped::End;
            }
        };
        buffers.warm |= count > COLD_BYTES;
        let Buffers { read, write, .. } = buffers;
        let bytes = read.get(..count).unwrap_or_default();
        self.taps.retain(|tap| tap.stream != stream || tap.offer(bytes));
        self.record(stream, bytes, write);
        Pumped::More
    }

    fn record(&mut self, stream: Stream, mut bytes: &[u8], buffer: &mut [u8]) {
        let (log, output) = match stream {
            Stream::Stdout => (&mut self.log, &mut self.stdout),
            Stream::Stderr => (&mut self.log, &mut self.stderr),
        };
        let Some(output) = output else { return };
        let mut records = Records::new(buffer, time::realtime_ns());
        while !bytes.is_empty() {
            bytes = records.take(&mut output.line, stream, bytes);
            log.append(records.bytes());
            records.clear();
        }
    }

    /// Writes what is left of the last line and closes our end.
    pub(crate) fn end(&mut self, stream: Stream, buffers: &mut Buffers) {
        let Some(mut output) = self.output_mut(stream).take() else { return };
        let mut records = Records::new(&mut buffers.write, time::realtime_ns());
        records.finish(&mut output.line, stream);
        self.log.append(records.bytes());
        self.taps.retain(|tap| tap.stream != stream);
    }
}
