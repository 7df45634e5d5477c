//! Paths of /proc and /sys that containers may not read, or not write.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use sys::{
    Errno,
    fd::{self, Kind},
    mount::{self, Change, attr},
    path::{self, Open, Within},
};

use super::root::Blank;
use crate::failure::{At, Result};

/// Lays the null device over files and an empty directory over directories. What is not there stays so.
pub(super) fn masked_paths(root: BorrowedFd<'_>, paths: &[String], blank: &Blank) -> Result<()> {
    for path in paths {
        mask(root, path, blank).at_doing("masked-paths", || format!("mask {path:?}"))?;
    }
    Ok(())
}

fn mask(root: BorrowedFd<'_>, path: &str, blank: &Blank) -> sys::Result<()> {
    let Some(place) = find(root, path)? else { return Ok(()) };
    if fd::identity(&place)?.kind == Kind::Directory {
        let empty = mount::clone_tree(&blank.empty, "", false)?;
        let change = Change { set: attr::RDONLY, ..Change::default() };
        mount::set_attributes(&empty, change, false)?;
        mount::attach(&empty, &place)
    } else {
        mount::attach(mount::clone_tree(&blank.null, "", false)?, &place)
    }
}

/// Binds each onto itself, read-only with everything below.
pub(super) fn readonly_paths(root: BorrowedFd<'_>, paths: &[String]) -> Result<()> {
    for path in paths {
        readonly(root, path).at_doing("readonly-paths", || format!("make {path:?} read-only"))?;
    }
    Ok(())
}

fn readonly(root: BorrowedFd<'_>, path: &str) -> sys::Result<()> {
    let Some(place) = find(root, path)? else { return Ok(()) };
    let tree = mount::clone_tree(place.as_fd(), "", true)?;
    let change = Change { set: attr::RDONLY, ..Change::default() };
    mount::set_attributes(&tree, change, true)?;
    mount::attach(&tree, &place)
}

fn find(root: BorrowedFd<'_>, path: &str) -> sys::Result<Option<OwnedFd>> {
    match path::open(root, path, Open::PATH, Within::Root) {
        Ok(place) => Ok(Some(place)),
        Err(error) if [Errno::ENOENT, Errno::ENOTDIR].contains(&error.errno) => Ok(None),
        Err(error) => Err(error),
    }
}
