//! Files made, changed and taken away one name below a descriptor: the *at calls that unpacking a layer needs.
//!
//! Every name here is one component and is never followed: a link is made, read, changed or removed itself. Only
//! [`open_dir_in_root`], [`open_dir_beneath`] and the old name of [`make_link`] may be paths. Times, owners and modes of what a name may hide go through a descriptor.

use std::{
    fmt,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{self, AtFlags, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags},
    io::Errno as Raw,
};

use crate::{Errno, Error, Result, error::Named};

mod remove;

pub use remove::{remove_all, remove_children};

/// A point in time, as seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
}

impl Time {
    pub const EPOCH: Self = Self { seconds: 0, nanoseconds: 0 };

    fn timestamps(self) -> Timestamps {
        let time = Timespec { tv_sec: self.seconds, tv_nsec: self.nanoseconds.into() };
        Timestamps { last_access: time, last_modification: time }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    Fifo,
    Socket,
    Block,
    Char,
}

/// A special file that mknod(2) makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node {
    Fifo,
    Char { major: u32, minor: u32 },
    Block { major: u32, minor: u32 },
}

/// overlayfs' sign for a deleted name: a character device 0:0.
pub const WHITEOUT: Node = Node::Char { major: 0, minor: 0 };

/// What stat(2) tells.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    pub kind: Kind,
    pub dev: u64,
    pub ino: u64,
    pub nlink: u64,
    /// The twelve bits of chmod(2).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub rdev: (u32, u32),
    pub mtime: Time,
}

impl Stat {
    pub fn is_whiteout(&self) -> bool {
        self.kind == Kind::Char && self.rdev == (0, 0)
    }

    fn of(stat: &fs::Stat) -> Self {
        Self {
            kind: kind(fs::FileType::from_raw_mode(stat.st_mode)),
            dev: stat.st_dev,
            ino: stat.st_ino,
            nlink: stat.st_nlink,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: stat.st_size as u64,
            rdev: crate::fd::device_numbers(stat.st_rdev),
            mtime: Time { seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec as u32 },
        }
    }
}

fn kind(kind: fs::FileType) -> Kind {
    match kind {
        fs::FileType::Directory => Kind::Directory,
        fs::FileType::Symlink => Kind::Symlink,
        fs::FileType::Fifo => Kind::Fifo,
        fs::FileType::Socket => Kind::Socket,
        fs::FileType::BlockDevice => Kind::Block,
        fs::FileType::CharacterDevice => Kind::Char,
        _ => Kind::File,
    }
}

/// A descriptor and a name in it, for messages; names may hold any byte and be long.
pub(crate) struct At<'a>(pub(crate) BorrowedFd<'a>, pub(crate) &'a [u8]);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.1[..self.1.len().min(255)];
        write!(f, "{}, \"{}\"", self.0.as_raw_fd(), shown.escape_ascii())
    }
}

const NEW_DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// openat2(2) of a directory for reading, resolved as if `root` were `/`, without leaving its mount.
///
/// # Errors
/// ENOENT, ENOTDIR, ELOOP (more than 40 links), ENAMETOOLONG (4096 bytes), EXDEV (a mount inside), and EAGAIN if
/// somebody keeps renaming what is resolved.
pub fn open_dir_in_root(root: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let path = if path.is_empty() { b"." } else { path };
    for _ in 0..16 {
        match fs::openat2(root, path, NEW_DIR, Mode::empty(), within) {
            Err(Raw::AGAIN | Raw::INTR) => {}
            other => return other.named("openat2", || At(root, path)),
        }
    }
    Err(Error::new("openat2", At(root, path), Errno::EAGAIN))
}

/// openat(2) of a directory for reading; a link is ENOTDIR.
pub fn open_dir(dir: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd> {
    fs::openat(dir, name, NEW_DIR | OFlags::NOFOLLOW, Mode::empty()).named("openat", || At(dir, name))
}

/// openat2(2) of a directory for reading, by a path of plain directories: any link is ELOOP, `..` is EXDEV.
pub fn open_dir_beneath(dir: BorrowedFd<'_>, path: &[u8]) -> Result<OwnedFd> {
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    fs::openat2(dir, path, NEW_DIR, Mode::empty(), within).named("openat2", || At(dir, path))
}

/// A second descriptor of a directory, with its own position.
pub fn reopen_dir(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    fs::openat(dir, ".", NEW_DIR, Mode::empty()).named("openat", || At(dir, b"."))
}

/// openat(2) with O_CREAT|O_EXCL, for writing. The mode loses the bits of the umask.
pub fn create_file(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(dir, name, flags, Mode::from_raw_mode(mode)).named("openat", || At(dir, name))
}

/// mkdirat(2). The mode loses the bits of the umask.
pub fn make_dir(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<()> {
    fs::mkdirat(dir, name, Mode::from_raw_mode(mode)).named("mkdirat", || At(dir, name))
}

/// symlinkat(2).
pub fn make_symlink(target: &[u8], dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    fs::symlinkat(target, dir, name).named("symlinkat", || At(dir, name))
}

/// linkat(2) without following: a link to a symbolic link is one to the link itself.
pub fn make_link(from: BorrowedFd<'_>, old: &[u8], dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    fs::linkat(from, old, dir, name, AtFlags::empty()).named("linkat", || At(dir, name))
}

/// mknodat(2). The mode loses the bits of the umask.
pub fn make_node(dir: BorrowedFd<'_>, name: &[u8], node: Node, mode: u32) -> Result<()> {
    let (kind, dev) = match node {
        Node::Fifo => (fs::FileType::Fifo, 0),
        Node::Char { major, minor } => (fs::FileType::CharacterDevice, fs::makedev(major, minor)),
        Node::Block { major, minor } => (fs::FileType::BlockDevice, fs::makedev(major, minor)),
    };
    fs::mknodat(dir, name, kind, Mode::from_raw_mode(mode), dev).named("mknodat", || At(dir, name))
}

/// fstat(2).
pub fn stat(fd: BorrowedFd<'_>) -> Result<Stat> {
    fs::fstat(fd).map(|stat| Stat::of(&stat)).named("fstat", || fd.as_raw_fd())
}

/// fstatat(2) with AT_SYMLINK_NOFOLLOW.
pub fn stat_at(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Stat> {
    let stat = fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.map(|stat| Stat::of(&stat)).named("fstatat", || At(dir, name))
}

/// readlinkat(2).
pub fn read_link(dir: BorrowedFd<'_>, name: &[u8]) -> Result<Vec<u8>> {
    fs::readlinkat(dir, name, Vec::new())
        .map(|target| target.into_bytes())
        .named("readlinkat", || At(dir, name))
}

/// unlinkat(2) of anything but a directory.
pub fn unlink(dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    fs::unlinkat(dir, name, AtFlags::empty()).named("unlinkat", || At(dir, name))
}

/// unlinkat(2) with AT_REMOVEDIR.
pub fn remove_dir(dir: BorrowedFd<'_>, name: &[u8]) -> Result<()> {
    fs::unlinkat(dir, name, AtFlags::REMOVEDIR).named("unlinkat", || At(dir, name))
}

/// openat(2) of `..`. Only where nobody moves directories to other parents, as in cgroupfs.
pub fn open_parent(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    fs::openat(dir, "..", NEW_DIR, Mode::empty()).named("openat", || At(dir, b".."))
}

/// The names of the directories right below, from the descriptor's own position on.
pub fn child_dirs(dir: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    let mut buffer = Vec::with_capacity(8 << 10);
    let mut entries = fs::RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry.named("getdents64", || At(dir, b"."))?;
        let name = entry.file_name().to_bytes();
        if entry.file_type() == fs::FileType::Directory && name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    Ok(names)
}

/// fchown(2). Clears setuid and setgid, so set the mode afterwards.
pub fn set_owner(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    fs::fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
        .named("fchown", || format!("{}, {uid}, {gid}", fd.as_raw_fd()))
}

/// fchownat(2) with AT_SYMLINK_NOFOLLOW.
pub fn set_owner_at(dir: BorrowedFd<'_>, name: &[u8], uid: u32, gid: u32) -> Result<()> {
    fs::chownat(dir, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::SYMLINK_NOFOLLOW)
        .named("fchownat", || At(dir, name))
}

/// fchmod(2).
pub fn set_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    fs::fchmod(fd, Mode::from_raw_mode(mode)).named("fchmod", || format!("{}, {mode:#o}", fd.as_raw_fd()))
}

/// utimensat(2) of a descriptor: access and modification time alike.
pub fn set_times(fd: BorrowedFd<'_>, time: Time) -> Result<()> {
    fs::futimens(fd, &time.timestamps()).named("futimens", || fd.as_raw_fd())
}

/// utimensat(2) with AT_SYMLINK_NOFOLLOW.
pub fn set_times_at(dir: BorrowedFd<'_>, name: &[u8], time: Time) -> Result<()> {
    fs::utimensat(dir, name, &time.timestamps(), AtFlags::SYMLINK_NOFOLLOW)
        .named("utimensat", || At(dir, name))
}

/// The mode of a special file that must not be opened, nor followed if it is a link by now.
///
/// chmod(2) through the magic link of a descriptor that was opened without following: fchmodat2(2), which could
/// say so itself, is of Linux 6.6.
pub fn set_mode_at(dir: BorrowedFd<'_>, name: &[u8], mode: u32) -> Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = fs::openat(dir, name, flags, Mode::empty()).named("openat", || At(dir, name))?;
    if stat(fd.as_fd())?.kind == Kind::Symlink {
        return Err(Error::new("chmod", At(dir, name), Errno::ELOOP));
    }
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    fs::chmod(&*link, Mode::from_raw_mode(mode)).named("chmod", || At(dir, name))
}

/// fsetxattr(2).
pub fn set_xattr(fd: BorrowedFd<'_>, name: &[u8], value: &[u8]) -> Result<()> {
    fs::fsetxattr(fd, name, value, XattrFlags::empty()).named("fsetxattr", || At(fd, name))
}

/// fgetxattr(2); `None` if there is none of that name. A value is at most 64 KiB.
pub fn get_xattr(fd: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut value = vec![0; 64 << 10];
    match fs::fgetxattr(fd, name, &mut value) {
        Ok(len) => {
            value.truncate(len);
            Ok(Some(value))
        }
        Err(Raw::NODATA | Raw::OPNOTSUPP) => Ok(None),
        Err(errno) => Err(Error::new("fgetxattr", At(fd, name), errno.into())),
    }
}

/// flistxattr(2).
pub fn list_xattrs(fd: BorrowedFd<'_>) -> Result<Vec<Vec<u8>>> {
    let mut names = vec![0; 64 << 10];
    let len = match fs::flistxattr(fd, &mut names) {
        Err(Raw::OPNOTSUPP) => 0,
        other => other.named("flistxattr", || fd.as_raw_fd())?,
    };
    names.truncate(len);
    Ok(names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect())
}

/// syncfs(2): everything of the file system that `fd` is on.
pub fn sync_fs(fd: BorrowedFd<'_>) -> Result<()> {
    fs::syncfs(fd).named("syncfs", || fd.as_raw_fd())
}

#[cfg(test)]
mod tests;
