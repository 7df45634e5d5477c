#![expect(unsafe_code, reason = "close_range(2), adopting inherited descriptors")]
//! Descriptors as a whole: inherited ones, closing all others, duplicates, what a descriptor refers to.
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::{fs, io};

use crate::{
    Errno, Error, Result,
    error::{Named, check},
};

/// close_range(2) with CLOSE_RANGE_CLOEXEC: nothing from `first` on survives an exec.
pub fn close_range_cloexec(first: u32) -> Result<()> {
    // SAFETY: only sets a flag on descriptors; no memory is passed and nobody's descriptor is closed.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    check(done).map(drop).named("close_range", || format!("{first}, max, CLOEXEC"))
}

/// Closes every descriptor from `first` on except `keep`.
///
/// For a process that has just been made (by exec or clone) and owns nothing through an `OwnedFd` that it will
/// still drop: values that own one of the closed numbers must be leaked.
pub fn close_all_except(first: RawFd, keep: &[RawFd]) -> Result<()> {
    let mut keep: Vec<RawFd> = keep.iter().copied().filter(|fd| *fd >= first).collect();
    keep.sort_unstable();
    let mut from = first;
    for fd in keep {
        if fd > from {
            close_range(from, fd - 1)?;
        }
        from = from.max(fd + 1);
    }
    close_range(from, RawFd::MAX)
}

fn close_range(first: RawFd, last: RawFd) -> Result<()> {
    // SAFETY: no memory is passed; the caller of `close_all_except` vouches that nobody uses these numbers.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    check(done).map(drop).named("close_range", || format!("{first}, {last}"))
}

/// Takes over a descriptor that this process was started with, and marks it close-on-exec.
///
/// # Errors
/// EBADF when `number` is not open. Call it once for a number: the result owns it.
pub fn take_inherited(number: RawFd) -> Result<OwnedFd> {
    // SAFETY: F_GETFD takes no pointer and changes nothing.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags < 0 {
        return Err(Error::last("fcntl", format_args!("{number}, F_GETFD")));
    }
    // SAFETY: the number is open (just checked) and nobody in a freshly executed process owns it yet.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    io::fcntl_setfd(&fd, io::FdFlags::CLOEXEC).named("fcntl", || format!("{number}, F_SETFD"))?;
    Ok(fd)
}

/// A close-on-exec duplicate.
pub fn duplicate(fd: impl AsFd) -> Result<OwnedFd> {
    duplicate_from(fd, 0)
}

/// A close-on-exec duplicate whose number is at least `lowest`.
pub fn duplicate_from(fd: impl AsFd, lowest: RawFd) -> Result<OwnedFd> {
    io::fcntl_dupfd_cloexec(fd.as_fd(), lowest).named("fcntl", || format!("{:?}, F_DUPFD", fd.as_fd()))
}

/// Descriptor 0, open or not.
pub fn stdin() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

/// dup2(2) onto a standard stream (0, 1 or 2); the result is not close-on-exec.
pub fn place_stdio(fd: impl AsFd, number: RawFd) -> Result<()> {
    let fd = fd.as_fd();
    match number {
        0 => rustix::stdio::dup2_stdin(fd),
        1 => rustix::stdio::dup2_stdout(fd),
        2 => rustix::stdio::dup2_stderr(fd),
        _ => Err(io::Errno::BADF),
    }
    .named("dup2", || format!("{fd:?}, {number}"))?;
    if fd.as_raw_fd() == number {
        // dup2 of a number onto itself leaves close-on-exec set.
        io::fcntl_setfd(fd, io::FdFlags::empty()).named("fcntl", || format!("{number}, F_SETFD"))?;
    }
    Ok(())
}

/// What `fd` refers to, from fstat(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    pub kind: Kind,
    pub device: u64,
    pub inode: u64,
    /// (major, minor) of a device node.
    pub rdev: (u32, u32),
    pub size_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    CharDevice,
    BlockDevice,
    Fifo,
    Socket,
    Other,
}

/// fstat(2); works on O_PATH descriptors.
pub fn identity(fd: impl AsFd) -> Result<Identity> {
    let stat = fs::fstat(fd.as_fd()).named("fstat", || format!("{:?}", fd.as_fd()))?;
    Ok(Identity {
        kind: Kind::from(fs::FileType::from_raw_mode(stat.st_mode)),
        device: stat.st_dev,
        inode: stat.st_ino,
        rdev: device_numbers(stat.st_rdev),
        size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
    })
}

impl From<fs::FileType> for Kind {
    fn from(kind: fs::FileType) -> Self {
        match kind {
            fs::FileType::RegularFile => Self::File,
            fs::FileType::Directory => Self::Directory,
            fs::FileType::Symlink => Self::Symlink,
            fs::FileType::CharacterDevice => Self::CharDevice,
            fs::FileType::BlockDevice => Self::BlockDevice,
            fs::FileType::Fifo => Self::Fifo,
            fs::FileType::Socket => Self::Socket,
            _ => Self::Other,
        }
    }
}

/// The file system's magic number, from fstatfs(2); see <linux/magic.h>.
pub fn file_system_magic(fd: impl AsFd) -> Result<u64> {
    let stat = fs::fstatfs(fd.as_fd()).named("fstatfs", || format!("{:?}", fd.as_fd()))?;
    u64::try_from(stat.f_type).map_err(|_| Error::new("fstatfs", "f_type", Errno::EOVERFLOW))
}

/// Magic numbers from <linux/magic.h>.
pub mod magic {
    pub const PROC: u64 = 0x9fa0;
    pub const SYSFS: u64 = 0x6265_6572;
    pub const DEVPTS: u64 = 0x1cd1;
    pub const TMPFS: u64 = 0x0102_1994;
    pub const CGROUP: u64 = 0x0027_e0eb;
    pub const CGROUP2: u64 = 0x6367_7270;
    pub const OVERLAY: u64 = 0x794c_7630;
}

/// Sets or clears O_NONBLOCK on the open file description (shared with every duplicate).
pub fn set_nonblocking(fd: impl AsFd, on: bool) -> Result<()> {
    let fd = fd.as_fd();
    let mut flags = fs::fcntl_getfl(fd).named("fcntl", || format!("{fd:?}, F_GETFL"))?;
    flags.set(fs::OFlags::NONBLOCK, on);
    fs::fcntl_setfl(fd, flags).named("fcntl", || format!("{fd:?}, F_SETFL"))
}

/// Path by which /proc names a descriptor of this process.
pub fn proc_path(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// (major, minor) of a device number, as makedev(3) packs them.
pub fn device_numbers(device: u64) -> (u32, u32) {
    (fs::major(device), fs::minor(device))
}

#[cfg(test)]
mod tests;
