//! The questions about the machine that only some containers raise.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// What may have to be asked while a spec is built. [`LiveHost`](crate::LiveHost) asks the kernel; tests answer from a table.
pub trait Host: fmt::Debug {
    /// What is at this path of the host, symlinks followed.
    ///
    /// # Errors
    /// Those of stat(2); `NotFound` if nothing is there.
    fn device(&self, path: &Path) -> io::Result<Found>;

    /// The path without symbolic links of what is at this one.
    ///
    /// # Errors
    /// `NotFound` if nothing is there.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// Every device node below `/dev`, without terminals, shared memory and message queues.
    ///
    /// # Errors
    /// When `/dev` cannot be read.
    fn all_devices(&self) -> io::Result<Vec<HostDevice>>;

    /// Whether an AppArmor profile of this name is loaded.
    ///
    /// # Errors
    /// When the list of profiles cannot be read.
    fn apparmor_loaded(&self, profile: &str) -> io::Result<bool>;
}

/// What a CRI device's host path turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One node.
    Node(HostDevice),
    /// A directory; the nodes in it and below.
    Directory(Vec<HostDevice>),
    /// Neither.
    Other,
}

/// A device node of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDevice {
    /// Absolute, as found.
    pub path: PathBuf,
    /// Block device; otherwise a character device.
    pub block: bool,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits, 0o777 at most.
    pub mode: u32,
    /// Owner on the host.
    pub uid: u32,
    /// Group on the host.
    pub gid: u32,
}
