//! A descriptor watched by the async runtime.
use std::{io, os::fd::OwnedFd};

use tokio::io::unix::AsyncFd;

/// Watches a descriptor that is in non-blocking mode, or, like a pidfd, is only waited for.
#[expect(
    deprecated,
    reason = "deprecated for types that may lie about their descriptor; an OwnedFd does not, and the successor is unsafe"
)]
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}
