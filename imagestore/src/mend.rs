//! Mending: a small layer on top that gives directories back the owner and mode that a layer took by silence.
//!
//! A layer may write `tmp/x` without saying what `tmp` is. Unpacked alone, its `tmp` is 0755 root, and overlayfs
//! shows the topmost directory's attributes: the base's 1777 would be lost. Layers are shared between images and
//! stay as they are; so the image gets one more layer, of nothing but such directories.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use sys::at::{self, Stat};

use crate::digest::{DiffId, Digest};
use crate::view::{Merged, View};

/// The directories to mend, by path, with what they should be. Empty for almost every image.
pub(crate) type Directories = BTreeMap<Vec<u8>, Stat>;

/// The id of the mending layer above `stack` (lowest first).
pub(crate) fn id(stack: &[DiffId]) -> DiffId {
    let mut text = "directories of a stack, 1\n".to_owned();
    for layer in stack {
        text.push_str(&layer.to_string());
        text.push('\n');
    }
    DiffId(Digest::of(text.as_bytes()))
}

/// Finds directories that `view` shows with attributes nobody meant. `implied` has the paths each layer left
/// undescribed, in the order of the view (the top first).
pub(crate) fn find(view: &View, implied: &[HashSet<Vec<u8>>]) -> io::Result<Directories> {
    let mut walker = view.walker()?;
    let mut wanted = Vec::new();
    // In the order of paths, neighbours come together.
    for path in implied.iter().flatten().collect::<BTreeSet<_>>() {
        if let Some(merged) = walker.directory(path)?
            && let Some(meant) = meant(merged, implied, path)?
            && differs(&meant, &shown(merged)?)
        {
            wanted.push(path);
        }
    }
    let mut directories = Directories::new();
    for prefix in wanted.into_iter().flat_map(|path| prefixes(path)) {
        // The directories above come along, as they are shown or as they are meant.
        if !directories.contains_key(prefix)
            && let Some(merged) = walker.directory(prefix)?
        {
            let attributes = match meant(merged, implied, prefix)? {
                Some(meant) => meant,
                None => shown(merged)?,
            };
            directories.insert(prefix.to_vec(), attributes);
        }
    }
    Ok(directories)
}

/// The attributes of the topmost layer that describes the directory.
fn meant(merged: &Merged, implied: &[HashSet<Vec<u8>>], path: &[u8]) -> io::Result<Option<Stat>> {
    let described = |index: usize| implied.get(index).is_none_or(|paths| !paths.contains(path));
    match merged.iter().find(|(index, _)| described(*index)) {
        Some((_, dir)) => Ok(Some(at::stat(dir.as_fd())?)),
        None => Ok(None),
    }
}

fn shown(merged: &Merged) -> io::Result<Stat> {
    let (_, top) = merged.first().ok_or(io::ErrorKind::NotFound)?;
    Ok(at::stat(top.as_fd())?)
}

fn differs(a: &Stat, b: &Stat) -> bool {
    (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid)
}

/// `""`, `usr`, `usr/local` of `usr/local`.
fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    std::iter::once(0).chain(ends).chain(std::iter::once(path.len())).map(|end| &path[..end])
}

/// Makes the directories below `root`, an empty directory of ours.
pub(crate) fn make(root: BorrowedFd<'_>, directories: &Directories) -> io::Result<()> {
    // Parents come first in the order of paths.
    for path in directories.keys().filter(|path| !path.is_empty()) {
        let (parent, name) = parent(root, path)?;
        at::make_dir(parent.as_fd(), name, 0o700)?;
    }
    // Children before parents: making a child changes its parent's time.
    for (path, stat) in directories.iter().rev() {
        let dir = below(root, path)?;
        at::set_owner(dir.as_fd(), stat.uid, stat.gid)?;
        at::set_mode(dir.as_fd(), stat.mode)?;
        at::set_times(dir.as_fd(), stat.mtime)?;
    }
    Ok(())
}

fn parent<'a>(root: BorrowedFd<'_>, path: &'a [u8]) -> io::Result<(OwnedFd, &'a [u8])> {
    let split = path.iter().rposition(|byte| *byte == b'/');
    let (parent, name) = split.map_or((&path[..0], path), |at| (&path[..at], &path[at + 1..]));
    Ok((below(root, parent)?, name))
}

/// One name at a time: a path may be longer than the kernel takes at once.
fn below(root: BorrowedFd<'_>, path: &[u8]) -> io::Result<OwnedFd> {
    let mut dir = at::reopen_dir(root)?;
    for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
        dir = at::open_dir(dir.as_fd(), name)?;
    }
    Ok(dir)
}

#[cfg(test)]
mod tests;
