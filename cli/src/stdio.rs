//! Standard input and output without blocking the runtime: a thread for each, joined by short queues.

use std::{
    io::{self, Read, Write},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use futures_util::SinkExt;
use streaming::{BoxRead, BoxWrite};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{
    io::{CopyToBytes, SinkWriter, StreamReader},
    sync::PollSender,
};

/// Chunks under way between a thread and the runtime.
const QUEUE: usize = 4;
const CHUNK: usize = 32 * 1024;

/// Standard input. Its thread may be left in `read`: the process ends without waiting for it.
pub(crate) fn input() -> io::Result<BoxRead> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match io::stdin().read(&mut chunk) {
                Ok(0) => return,
                Ok(n) => Ok(Bytes::copy_from_slice(chunk.get(..n).unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    })?;
    Ok(Box::pin(StreamReader::new(ReceiverStream::new(receiver))))
}

/// One of the standard outputs, and the thread that writes it.
pub(crate) struct Output {
    thread: JoinHandle<io::Result<()>>,
}

impl Output {
    /// Starts writing what goes into the sink returned here to `target`.
    pub(crate) fn start(mut target: impl Write + Send + 'static) -> io::Result<(Self, BoxWrite)> {
        let (sender, mut receiver) = mpsc::channel::<Bytes>(QUEUE);
        let thread = thread::Builder::new().name("output".into()).spawn(move || {
            while let Some(chunk) = receiver.blocking_recv() {
                target.write_all(&chunk)?;
                target.flush()?;
            }
            Ok(())
        })?;
        let sink = PollSender::new(sender).sink_map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe));
        Ok((Self { thread }, Box::pin(SinkWriter::new(CopyToBytes::new(sink)))))
    }

    /// Waits until everything is written; the sink must have been dropped.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the output thread panicked")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::AsyncWriteExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn everything_is_written_before_finish_returns() {
        let kept = Kept::default();
        let (output, mut sink) = Output::start(kept.clone()).unwrap();
        let all = vec![7; 1_000_000];
        sink.write_all(&all).await.unwrap();
        drop(sink);
        output.finish().unwrap();
        assert!(*kept.0.lock().unwrap() == all);
    }
}
