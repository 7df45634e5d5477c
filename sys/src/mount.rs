#![expect(unsafe_code, reason = "mount_setattr(2), umount2(2)")]
//! The file-descriptor mount interface: contexts, detached trees, attributes, attaching, changing the root.
//!
//! A tree made by [`FsContext::mount`] or [`clone_tree`] is attached nowhere and vanishes with its descriptor.
use std::{
    ffi::CString,
    fmt::Debug,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::CWD,
    mount::{self, FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags},
};

use crate::{
    Errno, Error, Result,
    error::{Named, check},
};

/// MOUNT_ATTR_* of <linux/mount.h>.
pub mod attr {
    pub const RDONLY: u64 = 0x1;
    pub const NOSUID: u64 = 0x2;
    pub const NODEV: u64 = 0x4;
    pub const NOEXEC: u64 = 0x8;
    /// The three-valued access-time field: relatime 0x0, noatime 0x10, strictatime 0x20.
    pub const ATIME_MASK: u64 = 0x70;
    pub const NOATIME: u64 = 0x10;
    pub const NODIRATIME: u64 = 0x80;
    pub const IDMAP: u64 = 0x0010_0000;
    pub const NOSYMFOLLOW: u64 = 0x0020_0000;
}

/// MS_* propagation of <linux/mount.h>.
pub mod propagation {
    pub const REC: u64 = 0x4000;
    pub const UNBINDABLE: u64 = 1 << 17;
    pub const PRIVATE: u64 = 1 << 18;
    pub const SLAVE: u64 = 1 << 19;
    pub const SHARED: u64 = 1 << 20;
}

/// A file system being configured (fsopen(2)).
#[derive(Debug)]
pub struct FsContext {
    fd: OwnedFd,
    kind: &'static str,
}

impl FsContext {
    pub fn open(kind: &'static str) -> Result<Self> {
        let fd = mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC).named("fsopen", || kind)?;
        Ok(Self { fd, kind })
    }

    /// FSCONFIG_SET_STRING; the kernel takes at most 255 bytes.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        mount::fsconfig_set_string(&self.fd, key, value)
            .map_err(|errno| self.failed(format_args!("{key}={value}"), errno))
    }

    pub fn set_flag(&self, key: &str) -> Result<()> {
        mount::fsconfig_set_flag(&self.fd, key).map_err(|errno| self.failed(format_args!("{key}"), errno))
    }

    pub fn set_fd(&self, key: &str, value: impl AsFd) -> Result<()> {
        mount::fsconfig_set_fd(&self.fd, key, value.as_fd())
            .map_err(|errno| self.failed(format_args!("{key}={:?}", value.as_fd()), errno))
    }

    /// An option as mount(8) writes it: `key=value` or a bare flag.
    pub fn set_option(&self, option: &str) -> Result<()> {
        match option.split_once('=') {
            Some((key, value)) => self.set(key, value),
            None => self.set_flag(option),
        }
    }

    /// Makes the superblock and a detached mount of it with `attributes` (MOUNT_ATTR_*).
    pub fn mount(self, attributes: u64) -> Result<OwnedFd> {
        mount::fsconfig_create(&self.fd).map_err(|errno| self.failed(format_args!("create"), errno))?;
        let flags = MountAttrFlags::from_bits_retain(u32::try_from(attributes).unwrap_or(u32::MAX));
        mount::fsmount(&self.fd, FsMountFlags::FSMOUNT_CLOEXEC, flags)
            .named("fsmount", || format!("{}, {attributes:#x}", self.kind))
    }

    fn failed(&self, what: std::fmt::Arguments<'_>, errno: rustix::io::Errno) -> Error {
        // The context queues the file system's own words, which say far more than EINVAL.
        let mut words = [0; 256];
        let words =
            rustix::io::read(&self.fd, &mut words).map(|count| words[..count].to_vec()).unwrap_or_default();
        let words = String::from_utf8_lossy(&words);
        let words = words.trim();
        let joint = if words.is_empty() { "" } else { ": " };
        Error::new("fsconfig", format_args!("{}, {what}{joint}{words}", self.kind), errno.into())
    }
}

/// open_tree(2) with OPEN_TREE_CLONE: a detached bind mount of `path` below `dir` (an empty path: `dir` itself).
///
/// # Errors
/// EINVAL when the source is in no mount namespace of the caller, or detached (before 6.15).
pub fn clone_tree(dir: impl AsFd, path: impl AsRef<Path>, recursive: bool) -> Result<OwnedFd> {
    let path = path.as_ref();
    let mut flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    flags.set(OpenTreeFlags::AT_RECURSIVE, recursive);
    mount::open_tree(dir.as_fd(), path, flags)
        .named("open_tree", || format!("{:?}, {path:?}, CLONE", dir.as_fd()))
}

/// move_mount(2): attaches the tree `from` on top of what the descriptor `onto` refers to.
pub fn attach(from: impl AsFd, onto: impl AsFd) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    mount::move_mount(from.as_fd(), "", onto.as_fd(), "", flags)
        .named("move_mount", || format!("{:?}, {:?}", from.as_fd(), onto.as_fd()))
}

/// move_mount(2) onto a path that nobody else can change.
pub fn attach_at(from: impl AsFd, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    mount::move_mount(from.as_fd(), "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .named("move_mount", || format!("{:?}, {path:?}", from.as_fd()))
}

/// What [`set_attributes`] changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change {
    pub set: u64,
    pub clear: u64,
    /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE; 0 leaves it.
    pub propagation: u64,
}

/// mount_setattr(2) on a mount, by a descriptor of its root.
///
/// # Errors
/// EPERM for a flag that is locked (a mount from a more privileged namespace).
pub fn set_attributes(tree: impl AsFd, change: Change, recursive: bool) -> Result<()> {
    let attributes = libc::mount_attr {
        attr_set: change.set,
        attr_clr: change.clear,
        propagation: change.propagation,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    let number = tree.as_fd().as_raw_fd();
    // SAFETY: an empty C string and one initialised structure of the given size, both live during the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            number,
            c"".as_ptr(),
            flags,
            &attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    check(done).map(drop).named("mount_setattr", || format!("{number}, {change:x?}, recursive {recursive}"))
}

/// Makes the directory `new_root` (the root of a mount in this namespace) the root of this process's mount
/// namespace and detaches the old one with everything on it. The working directory becomes `/`.
pub fn change_root(new_root: impl AsFd) -> Result<()> {
    rustix::process::fchdir(new_root.as_fd()).named("fchdir", || format!("{:?}", new_root.as_fd()))?;
    // The old root lands on top of the new one and is taken off from there: no directory is needed for it.
    rustix::process::pivot_root(".", ".").named("pivot_root", || "., .")?;
    detach(".")?;
    rustix::process::chdir("/").named("chdir", || "/")
}

/// Makes the directory `topmost`, the root of the mount that lies uppermost on `/` of this namespace, the root
/// and the working directory of this process.
///
/// To the kernel such a process is not in a chroot: setns(2) lands in the same place, and `..` cannot leave it.
/// What lies below stays mounted but out of reach; nothing is taken off, so nothing is waited for.
pub fn enter_topmost(topmost: impl AsFd) -> Result<()> {
    rustix::process::fchdir(topmost.as_fd()).named("fchdir", || format!("{:?}", topmost.as_fd()))?;
    rustix::process::chroot(".").named("chroot", || ".")
}

/// umount2(2) with MNT_DETACH; a final symbolic link is not followed.
pub fn detach(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let text = CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(|_| Error::new("umount2", format_args!("{path:?}"), Errno::EINVAL))?;
    // SAFETY: a live C string.
    let done = unsafe { libc::umount2(text.as_ptr(), libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW) };
    check(done.into()).map(drop).named("umount2", || format!("{path:?}, MNT_DETACH"))
}

/// mount(2), for what the newer calls cannot express on old kernels. `data` may hold a page.
pub fn mount_with_data(kind: &str, target: impl AsRef<Path>, data: &str) -> Result<()> {
    let target = target.as_ref();
    let options = CString::new(data).map_err(|_| Error::new("mount", kind, Errno::EINVAL))?;
    mount::mount(kind, target, kind, mount::MountFlags::empty(), options.as_c_str())
        .named("mount", || format!("{kind}, {target:?}, {} bytes of options", data.len()))
}

/// Opens the root of whatever is mounted at `path` now.
pub fn open_mounted(path: impl AsRef<Path> + Debug) -> Result<OwnedFd> {
    mount::open_tree(CWD, path.as_ref(), OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .named("open_tree", || format!("{path:?}"))
}

/// The directory descriptor that means the current directory in every call of this module.
pub fn current_dir() -> BorrowedFd<'static> {
    CWD
}
