//! Paths that somebody else can change: resolved once below a root, then used as descriptors (openat2(2)).
use std::{
    ffi::OsStr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Component, Path, PathBuf},
};

use rustix::fs::{self, AtFlags, CWD, Mode, OFlags, ResolveFlags};

use crate::{Errno, Error, Result, error::Named};

pub use rustix::fs::OFlags as Open;

/// How a path below a directory is resolved. Magic links (/proc/*/fd/…) are never followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// The directory is `/`: absolute links and `..` stay inside.
    Root,
    /// Leaving the directory is an error (EXDEV).
    Beneath,
    /// Beneath, and any symbolic link is an error (ELOOP).
    BeneathNoLinks,
    /// The directory is `/`, and any symbolic link is an error (ELOOP).
    RootNoLinks,
    /// Beneath, no links, and no crossing into another mount (EXDEV): for private procfs handles.
    SameMount,
}

impl Within {
    fn flags(self) -> ResolveFlags {
        let no_magic = ResolveFlags::NO_MAGICLINKS;
        match self {
            Self::Root => ResolveFlags::IN_ROOT | no_magic,
            Self::Beneath => ResolveFlags::BENEATH | no_magic,
            Self::BeneathNoLinks => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
            Self::RootNoLinks => ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS,
            Self::SameMount => ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | no_magic,
        }
    }
}

/// openat2(2) of an existing file. O_CLOEXEC is added.
pub fn open(dir: impl AsFd, path: impl AsRef<Path>, flags: Open, within: Within) -> Result<OwnedFd> {
    create(dir, path, flags, 0, within)
}

/// openat2(2) with a mode, for O_CREAT. O_CLOEXEC is added.
pub fn create(
    dir: impl AsFd,
    path: impl AsRef<Path>,
    flags: Open,
    mode: u32,
    within: Within,
) -> Result<OwnedFd> {
    let (dir, path) = (dir.as_fd(), path.as_ref());
    // The kernel gives up with EAGAIN when a rename races with resolving `..`; an attacker can cause that for a
    // while, not for ever.
    for _ in 0..128 {
        match fs::openat2(dir, path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(mode), within.flags()) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            other => return other.named("openat2", || format!("{dir:?}, {path:?}, {within:?}")),
        }
    }
    Err(Error::new("openat2", format_args!("{dir:?}, {path:?}, {within:?}"), Errno::EAGAIN))
}

/// Opens a directory by a trusted path, O_PATH.
pub fn open_dir(path: impl AsRef<Path>) -> Result<OwnedFd> {
    let path = path.as_ref();
    fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .named("open", || format!("{path:?}, O_PATH|O_DIRECTORY"))
}

/// Opens anything by a trusted path, O_PATH; a final symbolic link is followed.
pub fn open_path(path: impl AsRef<Path>) -> Result<OwnedFd> {
    let path = path.as_ref();
    fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .named("open", || format!("{path:?}, O_PATH"))
}

/// Opens a file by a trusted path with plain open(2) flags. O_CLOEXEC is added.
pub fn open_trusted(path: impl AsRef<Path>, flags: Open, mode: u32) -> Result<OwnedFd> {
    let path = path.as_ref();
    fs::open(path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(mode))
        .named("open", || format!("{path:?}, {flags:?}"))
}

/// What [`make_below`] leaves at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    Directory,
    File,
}

/// The O_PATH descriptor of `path` inside `root`, made with its parents where it is missing.
///
/// What exists is resolved like a process with that root would; what is missing is made component by component
/// below a descriptor, never following a link that appeared meanwhile.
///
/// # Errors
/// ELOOP for a symbolic link that `within` forbids or that dangles, EINVAL for `..` in the missing part.
pub fn make_below(
    root: BorrowedFd<'_>,
    path: impl AsRef<Path>,
    leaf: Leaf,
    mode: u32,
    within: Within,
) -> Result<OwnedFd> {
    let path = path.as_ref();
    match open(root, path, OFlags::PATH, within) {
        Err(error) if error.errno == Errno::ENOENT => {}
        other => return other,
    }
    let names: Vec<Component<'_>> =
        path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir)).collect();
    let (mut at, existing) = longest_existing(root, &names, within)?;
    let invalid = || Error::new("mkdirat", format_args!("{path:?}"), Errno::EINVAL);
    for (index, part) in names.iter().enumerate().skip(existing) {
        let Component::Normal(name) = part else { return Err(invalid()) };
        at = match leaf {
            Leaf::File if index + 1 == names.len() => make_file(&at, name, mode)?,
            Leaf::File | Leaf::Directory => make_dir(&at, name, mode)?,
        };
    }
    Ok(at)
}

fn longest_existing(
    root: BorrowedFd<'_>,
    names: &[Component<'_>],
    within: Within,
) -> Result<(OwnedFd, usize)> {
    for existing in (1..names.len()).rev() {
        let prefix: PathBuf = names.iter().take(existing).collect();
        match open(root, &prefix, OFlags::PATH | OFlags::DIRECTORY, within) {
            Ok(found) => return Ok((found, existing)),
            Err(error) if error.errno == Errno::ENOENT => {}
            Err(error) => return Err(error),
        }
    }
    Ok((open(root, ".", OFlags::PATH | OFlags::DIRECTORY, within)?, 0))
}

fn make_dir(at: &OwnedFd, name: &OsStr, mode: u32) -> Result<OwnedFd> {
    match fs::mkdirat(at, name, Mode::from_raw_mode(mode | 0o111)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(errno) => return Err(Error::new("mkdirat", format_args!("{at:?}, {name:?}"), errno.into())),
    }
    fs::openat(at, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .named("openat", || format!("{at:?}, {name:?}, O_DIRECTORY|O_NOFOLLOW"))
}

fn make_file(at: &OwnedFd, name: &OsStr, mode: u32) -> Result<OwnedFd> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    match fs::openat(at, name, flags, Mode::from_raw_mode(mode)) {
        Ok(_) | Err(rustix::io::Errno::EXIST) => {}
        Err(errno) => {
            return Err(Error::new("openat", format_args!("{at:?}, {name:?}, O_CREAT"), errno.into()));
        }
    }
    let file = fs::openat(at, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .named("openat", || format!("{at:?}, {name:?}, O_PATH|O_NOFOLLOW"))?;
    if crate::fd::identity(&file)?.kind == crate::fd::Kind::Symlink {
        return Err(Error::new("openat", format_args!("{at:?}, {name:?}"), Errno::ELOOP));
    }
    Ok(file)
}

/// mkdirat(2); an existing directory is success.
pub fn make_dir_at(dir: impl AsFd, name: &str, mode: u32) -> Result<()> {
    match fs::mkdirat(dir.as_fd(), name, Mode::from_raw_mode(mode)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::new("mkdirat", format_args!("{:?}, {name:?}", dir.as_fd()), errno.into())),
    }
}

/// symlinkat(2).
pub fn symlink_at(target: &str, dir: impl AsFd, name: &str) -> Result<()> {
    fs::symlinkat(target, dir.as_fd(), name)
        .named("symlinkat", || format!("{target:?}, {:?}, {name:?}", dir.as_fd()))
}

/// renameat(2) within one directory: the atomic replacement of a file.
pub fn rename_at(dir: impl AsFd, from: &str, to: &str) -> Result<()> {
    let dir = dir.as_fd();
    fs::renameat(dir, from, dir, to).named("renameat", || format!("{dir:?}, {from:?}, {to:?}"))
}

/// unlinkat(2) of a file.
pub fn unlink_at(dir: impl AsFd, name: &str) -> Result<()> {
    fs::unlinkat(dir.as_fd(), name, AtFlags::empty())
        .named("unlinkat", || format!("{:?}, {name:?}", dir.as_fd()))
}

/// rmdir(2) by a trusted path.
pub fn remove_dir(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    fs::unlinkat(CWD, path, AtFlags::REMOVEDIR).named("rmdir", || format!("{path:?}"))
}

/// What kind of node [`make_node`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Char { major: u32, minor: u32 },
    Block { major: u32, minor: u32 },
    Fifo,
}

/// mknodat(2), then owner and mode set exactly (the umask plays no part).
///
/// # Errors
/// EPERM without CAP_MKNOD or in a user namespace, EEXIST.
pub fn make_node(dir: impl AsFd, name: &str, node: Node, mode: u32, owner: (u32, u32)) -> Result<()> {
    let dir = dir.as_fd();
    let (kind, device) = match node {
        Node::Char { major, minor } => (fs::FileType::CharacterDevice, fs::makedev(major, minor)),
        Node::Block { major, minor } => (fs::FileType::BlockDevice, fs::makedev(major, minor)),
        Node::Fifo => (fs::FileType::Fifo, 0),
    };
    let mode = Mode::from_raw_mode(mode);
    fs::mknodat(dir, name, kind, mode, device).named("mknodat", || format!("{dir:?}, {name:?}, {node:?}"))?;
    let (uid, gid) = (fs::Uid::from_raw(owner.0), fs::Gid::from_raw(owner.1));
    fs::chownat(dir, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
        .named("fchownat", || format!("{dir:?}, {name:?}"))?;
    fs::chmodat(dir, name, mode, AtFlags::empty()).named("fchmodat", || format!("{dir:?}, {name:?}"))
}

/// fchown(2); `None` keeps.
pub fn change_owner(fd: impl AsFd, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    fs::fchown(fd.as_fd(), uid.map(fs::Uid::from_raw), gid.map(fs::Gid::from_raw))
        .named("fchown", || format!("{:?}, {uid:?}, {gid:?}", fd.as_fd()))
}

/// ftruncate(2).
pub fn truncate(fd: impl AsFd, size_bytes: u64) -> Result<()> {
    fs::ftruncate(fd.as_fd(), size_bytes).named("ftruncate", || format!("{:?}, {size_bytes}", fd.as_fd()))
}

/// fchdir(2).
pub fn enter(dir: impl AsFd) -> Result<()> {
    rustix::process::fchdir(dir.as_fd()).named("fchdir", || format!("{:?}", dir.as_fd()))
}

/// Whether the current directory lies below this process's root. The kernel answers `(unreachable)…` when not.
pub fn current_dir_is_inside() -> Result<bool> {
    let path = rustix::process::getcwd(Vec::new()).named("getcwd", || "")?;
    Ok(path.to_bytes().first() == Some(&b'/'))
}

#[cfg(test)]
mod tests;
