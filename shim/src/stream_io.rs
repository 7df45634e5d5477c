//! A descriptor from the monitor (pipe, socket, terminal) as an async stream.
use std::{
    io,
    os::fd::OwnedFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use sys::io::Transfer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, unix::AsyncFd};

/// Reads and writes one non-blocking descriptor; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StreamFd {
    fd: Arc<AsyncFd<OwnedFd>>,
}

impl StreamFd {
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        sys::fd::set_nonblocking(&fd, true)?;
        Ok(Self { fd: Arc::new(crate::async_fd::watch(fd)?) })
    }

    /// Tells a terminal its new size.
    pub(crate) fn resize(&self, width: u16, height: u16) -> io::Result<()> {
        Ok(sys::tty::resize(self.fd.get_ref(), width, height)?)
    }
}

impl AsyncRead for StreamFd {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(context))?;
            let unfilled = buffer.initialize_unfilled();
            let outcome = guard.try_io(|fd| match sys::io::read(fd.get_ref(), unfilled)? {
                Transfer::Bytes(count) => Ok(count),
                Transfer::Closed => Ok(0),
                Transfer::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
            });
            match outcome {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for StreamFd {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(context))?;
            let outcome = guard.try_io(|fd| match sys::io::write(fd.get_ref(), bytes)? {
                Transfer::Bytes(count) => Ok(count),
                Transfer::Closed => Err(io::ErrorKind::BrokenPipe.into()),
                Transfer::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
            });
            if let Ok(outcome) = outcome {
                return Poll::Ready(outcome);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Closing happens when the last clone is dropped; pipes and terminals know no half-close.
        Poll::Ready(Ok(()))
    }
}
