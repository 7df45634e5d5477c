//! Owner: gives what was made its owner, mode, xattrs and time, in the one order that keeps them all.
//!
//! chown(2) clears setuid, setgid and file capabilities, so the owner comes first; writing an xattr or a mode
//! changes no modification time, but writing content does, so the time comes last.

use std::os::fd::BorrowedFd;

use sys::{
    Errno,
    at::{self, Time},
};

use super::{entry::Meta, header::Problem};

/// Why metadata could not be set.
pub(super) enum Failure {
    System(sys::Error),
    Refused(Problem),
}

impl From<sys::Error> for Failure {
    fn from(error: sys::Error) -> Self {
        Self::System(error)
    }
}

/// Of a regular file or directory: everything but the time.
pub(super) fn set(fd: BorrowedFd<'_>, meta: &Meta) -> Result<(), Failure> {
    // Mostly it is right already: made by root with the mode asked for.
    let stat = at::stat(fd)?;
    let owned = (stat.uid, stat.gid) == (meta.uid, meta.gid);
    if !owned {
        at::set_owner(fd, meta.uid, meta.gid)?;
    }
    if stat.mode != meta.mode || (!owned && meta.mode & 0o6000 != 0) {
        at::set_mode(fd, meta.mode)?;
    }
    meta.xattrs.iter().try_for_each(|(name, value)| set_xattr(fd, name, value))
}

/// Of a link.
pub(super) fn set_link(dir: BorrowedFd<'_>, name: &[u8], meta: &Meta) -> Result<(), sys::Error> {
    at::set_owner_at(dir, name, meta.uid, meta.gid)?;
    at::set_times_at(dir, name, meta.mtime)
}

/// Of a device or fifo.
pub(super) fn set_node(dir: BorrowedFd<'_>, name: &[u8], meta: &Meta) -> Result<(), sys::Error> {
    at::set_owner_at(dir, name, meta.uid, meta.gid)?;
    at::set_mode_at(dir, name, meta.mode)?;
    at::set_times_at(dir, name, meta.mtime)
}

pub(super) fn set_time(fd: BorrowedFd<'_>, time: Time) -> Result<(), sys::Error> {
    at::set_times(fd, time)
}

fn set_xattr(fd: BorrowedFd<'_>, name: &[u8], value: &[u8]) -> Result<(), Failure> {
    match policy(name) {
        Policy::Refuse => Err(Failure::Refused("an xattr that steers overlayfs")),
        Policy::Drop => Ok(()),
        Policy::Keep => match at::set_xattr(fd, name, value) {
            // A file system without them; no container misses user attributes.
            Err(error) if error.errno == Errno::ENOTSUP => Ok(()),
            other => Ok(other?),
        },
        Policy::Capability => {
            let value = capability(value).ok_or(Failure::Refused("file capabilities that are none"))?;
            Ok(at::set_xattr(fd, name, &value)?)
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Policy {
    Keep,
    Capability,
    /// It means something only on the machine where the layer was made: labels, signatures, other daemons' notes.
    Drop,
    Refuse,
}

fn policy(name: &[u8]) -> Policy {
    if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") {
        Policy::Refuse
    } else if name == b"security.capability" {
        Policy::Capability
    } else if name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_") {
        Policy::Keep
    } else {
        Policy::Drop
    }
}

/// The value as revision 2 (linux/capability.h), the one that every kernel stores for the host's root.
///
/// Revision 1 has 32 bits of each set only. Revision 3 adds the user id that was root where the layer was made, and
/// that means nothing here.
fn capability(value: &[u8]) -> Option<Vec<u8>> {
    const REVISION_2: u32 = 0x0200_0000;
    let magic = u32::from_le_bytes(value.first_chunk().copied()?);
    let (revision, effective) = (magic & 0xff00_0000, magic & 1);
    let sets = match (revision, value.len()) {
        (0x0100_0000, 12) => [&value[4..], &[0; 8]].concat(),
        (REVISION_2, 20) => value[4..].to_vec(),
        (0x0300_0000, 24) => value[4..20].to_vec(),
        _ => return None,
    };
    Some([&(REVISION_2 | effective).to_le_bytes()[..], &sets].concat())
}

#[cfg(test)]
mod tests;
