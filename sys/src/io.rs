//! Plain bytes through descriptors: pipes, non-blocking reads and writes, whole small files.
use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
};

use rustix::pipe::{PipeFlags, pipe_with};

use crate::{Errno, Error, Result, error::Named};

/// pipe2(2), both ends close-on-exec: (reader, writer).
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC).named("pipe2", || "O_CLOEXEC")
}

/// What one non-blocking transfer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// This many bytes, at least one.
    Bytes(usize),
    /// Nothing now; wait for readiness.
    WouldBlock,
    /// The other end is closed: end of file on reading, EPIPE on writing.
    Closed,
}

/// read(2), retried on EINTR. EIO counts as closed: that is what a terminal's master says when nobody has the
/// other side open.
pub fn read(fd: impl AsFd, buffer: &mut [u8]) -> Result<Transfer> {
    loop {
        return match rustix::io::read(fd.as_fd(), &mut *buffer) {
            Ok(0) | Err(rustix::io::Errno::IO) => Ok(Transfer::Closed),
            Ok(count) => Ok(Transfer::Bytes(count)),
            Err(rustix::io::Errno::AGAIN) => Ok(Transfer::WouldBlock),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("read", format_args!("{:?}", fd.as_fd()), errno.into())),
        };
    }
}

/// write(2), retried on EINTR. May write less than `bytes`.
pub fn write(fd: impl AsFd, bytes: &[u8]) -> Result<Transfer> {
    loop {
        return match rustix::io::write(fd.as_fd(), bytes) {
            Ok(count) => Ok(Transfer::Bytes(count)),
            Err(rustix::io::Errno::AGAIN) => Ok(Transfer::WouldBlock),
            Err(rustix::io::Errno::PIPE) => Ok(Transfer::Closed),
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => Err(Error::new("write", format_args!("{:?}", fd.as_fd()), errno.into())),
        };
    }
}

/// The whole of a file, refusing more than `limit_bytes`.
///
/// # Errors
/// EFBIG when there is more.
pub fn read_all(fd: OwnedFd, limit_bytes: usize) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX);
    let failed = |error: std::io::Error| Error::new("read", "", Errno::from_io(&error));
    File::from(fd).take(limit.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    if content.len() > limit_bytes {
        return Err(Error::new("read", format_args!("more than {limit_bytes} bytes"), Errno::EFBIG));
    }
    Ok(content)
}

/// F_SETPIPE_SZ: how much a pipe may hold.
///
/// # Errors
/// EPERM above /proc/sys/fs/pipe-max-size without CAP_SYS_RESOURCE.
pub fn set_pipe_size(pipe: impl AsFd, size_bytes: usize) -> Result<()> {
    rustix::pipe::fcntl_setpipe_size(pipe.as_fd(), size_bytes)
        .map(drop)
        .named("fcntl", || format!("{:?}, F_SETPIPE_SZ, {size_bytes}", pipe.as_fd()))
}
