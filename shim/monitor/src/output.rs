//! Moves a container's output: read once, copied to whoever is attached, appended to the log.
use sys::{
    io::{self, Transfer},
    time,
};

use crate::{event::Stream, log::Records, report, streams::Streams};

/// One read: what a pipe holds.
pub(crate) const READ_BYTES: usize = 64 * 1024;
/// One write to the log: enough to make the call cheap, little enough to be given back.
const WRITE_BYTES: usize = 64 * 1024;

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
    pub(crate) fn pump(&mut self, stream: Stream, buffer: &mut [u8]) -> Pumped {
        let Some(output) = self.output_mut(stream) else { return Pumped::End };
        let count = match io::read(&output.fd, buffer) {
            Ok(Transfer::Bytes(count)) => count,
            Ok(Transfer::WouldBlock) => return Pumped::Idle,
            Ok(Transfer::Closed) => {
                self.end(stream);
                return Pumped::End;
            }
            Err(error) => {
                report::line(&error.to_string());
                self.end(stream);
                return Pumped::End;
            }
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        self.taps.retain(|tap| tap.stream != stream || tap.offer(bytes));
        self.record(stream, bytes);
        Pumped::More
    }

    fn record(&mut self, stream: Stream, mut bytes: &[u8]) {
        let (log, output) = match stream {
            Stream::Stdout => (&mut self.log, &mut self.stdout),
            Stream::Stderr => (&mut self.log, &mut self.stderr),
        };
        let Some(output) = output else { return };
        let mut records = Records::new(time::realtime_ns());
        while !bytes.is_empty() {
            bytes = records.take(&mut output.line, stream, bytes, WRITE_BYTES);
            log.append(records.bytes());
            records.clear();
        }
    }

    /// Writes what is left of the last line and closes our end.
    pub(crate) fn end(&mut self, stream: Stream) {
        let Some(mut output) = self.output_mut(stream).take() else { return };
        let mut records = Records::new(time::realtime_ns());
        records.finish(&mut output.line, stream);
        if !records.bytes().is_empty() {
            self.log.append(records.bytes());
        }
        self.taps.retain(|tap| tap.stream != stream);
    }
}
