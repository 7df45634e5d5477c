//! Copying a directory of an image out of its layers, as a container would see it.
//!
//! What is copied was written by whoever built the image, but nobody changes it any more, and nobody else sees the
//! copy yet. Links are copied, never followed; the depth and the bytes that are not there (holes) have limits.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

use sys::at::{self, Kind, Node, Stat};
use sys::path::{Open, Within};

use super::{Found, Merged, child};

/// Deeper directories are refused: each level keeps its descriptors.
const DEPTH_MAX: usize = 64;
/// Descriptors of one way down, as for a walker.
const OPEN_MAX: usize = 2_000;
/// What belongs to the layers, not to the files in them.
const OVERLAY_XATTRS: &[u8] = b"trusted.overlay.";

/// Copies what `from` holds into `into`, an empty directory of ours, and gives it the same owner, mode and times.
///
/// # Errors
/// `InvalidInput` for a tree too deep, `FileTooLarge` for files that claim more than `bytes_max` together.
pub(crate) fn copy(from: &Merged, into: BorrowedFd<'_>, bytes_max: u64) -> io::Result<()> {
    let mut copy = Copy { into, left: bytes_max, open: 0, linked: HashMap::new() };
    copy.directory(from, into, &mut Vec::new())
}

struct Copy<'a> {
    into: BorrowedFd<'a>,
    left: u64,
    open: usize,
    /// Files with several names: where each was copied to.
    linked: HashMap<(u64, u64), Vec<u8>>,
}

impl Copy<'_> {
    /// `way` is the path of `into` in the copy.
    fn directory(&mut self, from: &Merged, into: BorrowedFd<'_>, way: &mut Vec<OsString>) -> io::Result<()> {
        self.open += from.len();
        if way.len() > DEPTH_MAX || self.open > OPEN_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "directories too deep"));
        }
        for name in names(from)? {
            // A mark of something deleted is nothing.
            let Some(found) = child(from, &name)? else { continue };
            match found {
                Found::Directory(below) => {
                    at::make_dir(into, name.as_bytes(), 0o700)?;
                    let made = at::open_dir(into, name.as_bytes())?;
                    way.push(name);
                    self.directory(&below, made.as_fd(), way)?;
                    way.pop();
                }
                Found::Other { dir, name, stat } => self.other(&dir, &name, stat, into, way)?,
            }
        }
        self.open -= from.len();
        let Some((_, top)) = from.first() else { return Ok(()) };
        same_attributes(top.as_fd(), into, at::stat(top.as_fd())?)
    }

    fn other(
        &mut self,
        dir: &OwnedFd,
        name: &OsStr,
        stat: Stat,
        into: BorrowedFd<'_>,
        way: &[OsString],
    ) -> io::Result<()> {
        let bytes = name.as_bytes();
        if stat.nlink > 1 && self.link(stat, into, bytes, way)? {
            return Ok(());
        }
        match stat.kind {
            Kind::File => return self.file(dir, name, stat, into),
            Kind::Symlink => at::make_symlink(&at::read_link(dir.as_fd(), bytes)?, into, bytes)?,
            Kind::Fifo => at::make_node(into, bytes, Node::Fifo, 0o600)?,
            Kind::Char => {
                at::make_node(into, bytes, Node::Char { major: stat.rdev.0, minor: stat.rdev.1 }, 0o600)?
            }
            Kind::Block => {
                at::make_node(into, bytes, Node::Block { major: stat.rdev.0, minor: stat.rdev.1 }, 0o600)?
            }
            // No archive holds a socket, and without its program it would be of no use.
            Kind::Socket | Kind::Directory => return Ok(()),
        }
        at::set_owner_at(into, bytes, stat.uid, stat.gid)?;
        // A link has no mode of its own.
        if stat.kind != Kind::Symlink {
            at::set_mode_at(into, bytes, stat.mode)?;
        }
        Ok(at::set_times_at(into, bytes, stat.mtime)?)
    }

    /// Makes another name of a file that was copied before; false if this is its first.
    fn link(&mut self, stat: Stat, into: BorrowedFd<'_>, name: &[u8], way: &[OsString]) -> io::Result<bool> {
        let file = (stat.dev, stat.ino);
        if let Some(first) = self.linked.get(&file) {
            at::make_link(self.into, first, into, name)?;
            return Ok(true);
        }
        let mut path = Vec::new();
        for part in way {
            path.extend_from_slice(part.as_bytes());
            path.push(b'/');
        }
        path.extend_from_slice(name);
        // A path the kernel would not take: the next name becomes a copy of its own.
        if path.len() < 4_000 {
            self.linked.insert(file, path);
        }
        Ok(false)
    }

    fn file(&mut self, dir: &OwnedFd, name: &OsStr, stat: Stat, into: BorrowedFd<'_>) -> io::Result<()> {
        self.left = self.left.checked_sub(stat.size).ok_or(io::ErrorKind::FileTooLarge)?;
        let flags = Open::RDONLY | Open::NOFOLLOW | Open::NONBLOCK | Open::NOCTTY;
        let from = sys::path::open(dir, name, flags, Within::BeneathNoLinks)?;
        let made = at::create_file(into, name.as_bytes(), 0o600)?;
        let (mut from, mut made) = (File::from(from), File::from(made));
        // Shared extents where the file system can.
        io::copy(&mut from, &mut made)?;
        same_attributes(from.as_fd(), made.as_fd(), stat)
    }
}

/// What the directory shows, in the order of names; whiteouts among them.
fn names(from: &Merged) -> io::Result<Vec<OsString>> {
    let mut seen = HashSet::new();
    for (_, dir) in from {
        for entry in fs::read_dir(sys::fd::proc_path(dir.as_fd()))? {
            seen.insert(entry?.file_name());
        }
    }
    let mut names: Vec<OsString> = seen.into_iter().collect();
    names.sort_unstable();
    Ok(names)
}

/// Extended attributes, owner, mode and times, in the order in which none takes another away.
fn same_attributes(from: BorrowedFd<'_>, into: BorrowedFd<'_>, stat: Stat) -> io::Result<()> {
    at::set_owner(into, stat.uid, stat.gid)?;
    for name in at::list_xattrs(from)?.iter().filter(|name| !name.starts_with(OVERLAY_XATTRS)) {
        if let Some(value) = at::get_xattr(from, name)? {
            at::set_xattr(into, name, &value)?;
        }
    }
    at::set_mode(into, stat.mode)?;
    Ok(at::set_times(into, stat.mtime)?)
}

#[cfg(test)]
mod tests;
