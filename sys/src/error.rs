//! `Error`: which call was made, on what, and what the kernel said.
use std::{fmt, io};

pub type Result<T> = std::result::Result<T, Error>;

/// A failed system call. Reads `openat2(7, "etc/passwd"): No such file or directory (os error 2)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{op}({args}): {errno}")]
pub struct Error {
    /// The call as its man page names it.
    pub op: &'static str,
    /// Its arguments, as far as they help a reader.
    pub args: String,
    pub errno: Errno,
}

impl Error {
    pub fn new(op: &'static str, args: impl fmt::Display, errno: Errno) -> Self {
        Self { op, args: args.to_string(), errno }
    }

    /// The errno that the last C library call of this thread left behind.
    pub(crate) fn last(op: &'static str, args: impl fmt::Display) -> Self {
        Self::new(op, args, Errno::last())
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = io::Error::from(error.errno).kind();
        io::Error::new(kind, error)
    }
}

/// An errno(3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident)*) => {
        impl Errno { $(pub const $name: Errno = Errno(libc::$name);)* }
    };
}

errnos! {
    E2BIG EACCES EADDRINUSE EAGAIN EBADF EBUSY ECHILD ECONNREFUSED ECONNRESET EDQUOT EEXIST EFBIG EINTR EINVAL
    EIO EISDIR ELOOP EMFILE EMSGSIZE ENAMETOOLONG ENFILE ENODEV ENOENT ENOEXEC ENOMEM ENOSPC ENOSYS ENOTCONN
    ENOTDIR ENOTEMPTY ENOTSUP ENXIO EOVERFLOW EPERM EPIPE ERANGE EROFS ESRCH ESTALE ETIMEDOUT ETXTBSY EXDEV
}

impl Errno {
    pub(crate) fn last() -> Self {
        Self::from_io(&io::Error::last_os_error())
    }

    /// The errno inside `error`; EIO when it carries none.
    pub fn from_io(error: &io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {self})", self.0)
    }
}

impl std::error::Error for Errno {}

impl From<rustix::io::Errno> for Errno {
    fn from(errno: rustix::io::Errno) -> Self {
        Self(errno.raw_os_error())
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        io::Error::from_raw_os_error(errno.0)
    }
}

/// Names the call and its arguments on the error path only.
pub(crate) trait Named<T> {
    fn named<A: fmt::Display>(self, op: &'static str, args: impl FnOnce() -> A) -> Result<T>;
}

impl<T, E: Into<Errno>> Named<T> for std::result::Result<T, E> {
    fn named<A: fmt::Display>(self, op: &'static str, args: impl FnOnce() -> A) -> Result<T> {
        self.map_err(|errno| Error::new(op, args(), errno.into()))
    }
}

/// Turns a C return value into a result: negative means errno.
pub(crate) fn check(value: libc::c_long) -> std::result::Result<libc::c_long, Errno> {
    if value < 0 { Err(Errno::last()) } else { Ok(value) }
}

#[cfg(test)]
mod tests;
