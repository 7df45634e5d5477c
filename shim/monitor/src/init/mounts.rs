//! Attaching prepared trees below the container's root, each destination resolved once and then a descriptor.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::monitor::{LaunchPlan, Mount, mount::Kind};
use sys::{
    Errno, fd,
    mount::{self, Change, attr},
    path::{self, Leaf, Within},
};

use super::{
    root::Blank,
    sources::{Tree, describe},
};
use crate::failure::{At, Result, failed};

const STAGE: &str = "mount";

pub(super) fn attach_all(
    root: BorrowedFd<'_>,
    plan: &LaunchPlan,
    trees: &[Tree],
    blank: &Blank,
) -> Result<()> {
    for (mount, tree) in plan.mounts.iter().zip(trees) {
        let what = || describe(mount);
        match tree {
            Tree::Directory(tree) => attach(root, mount, tree.as_fd(), Leaf::Directory)?,
            Tree::File(tree) => attach(root, mount, tree.as_fd(), Leaf::File)?,
            Tree::Shm => {
                let shm = mount::clone_tree(&blank.shm, "", false).at_doing(STAGE, what)?;
                set(&shm, mount.attributes).at_doing(STAGE, what)?;
                attach(root, mount, shm.as_fd(), Leaf::Directory)?;
            }
            Tree::Cgroups(tmpfs, hierarchies) => {
                attach(root, mount, tmpfs.as_fd(), Leaf::Directory)?;
                attach_hierarchies(tmpfs, hierarchies).at_doing(STAGE, what)?;
                set(tmpfs, mount.attributes & attr::RDONLY).at_doing(STAGE, what)?;
            }
        }
    }
    Ok(())
}

fn attach(root: BorrowedFd<'_>, plan: &Mount, tree: BorrowedFd<'_>, leaf: Leaf) -> Result<()> {
    let what = || describe(plan);
    if plan.destination.trim_matches('/').is_empty() || !plan.destination.starts_with('/') {
        return Err(failed(STAGE, what(), Errno::EINVAL));
    }
    let mode = if leaf == Leaf::File { 0o644 } else { 0o755 };
    let onto = path::make_below(root, &plan.destination, leaf, mode, within(plan)).at_doing(STAGE, what)?;
    let is_dir = fd::identity(&onto).at_doing(STAGE, what)?.kind == fd::Kind::Directory;
    match leaf {
        Leaf::Directory if !is_dir => return Err(failed(STAGE, what(), Errno::ENOTDIR)),
        Leaf::File if is_dir => return Err(failed(STAGE, what(), Errno::EISDIR)),
        Leaf::Directory | Leaf::File => {}
    }
    mount::attach(tree, &onto).at_doing(STAGE, what)
}

/// A file system that programs trust must be where it seems to be: an image whose /proc, /sys or /dev is a
/// symbolic link is refused. Volumes follow links, inside the root.
fn within(mount: &Mount) -> Within {
    let first = mount.destination.trim_start_matches('/').split('/').next().unwrap_or_default();
    let volume = matches!(mount.kind(), Kind::Bind | Kind::Overlay);
    if !volume || ["proc", "sys", "dev"].contains(&first) { Within::RootNoLinks } else { Within::Root }
}

fn set(tree: &OwnedFd, attributes: u64) -> sys::Result<()> {
    if attributes == 0 {
        return Ok(());
    }
    mount::set_attributes(tree, Change { set: attributes, ..Change::default() }, false)
}

fn attach_hierarchies(tmpfs: &OwnedFd, hierarchies: &[(String, OwnedFd)]) -> sys::Result<()> {
    for (name, tree) in hierarchies {
        let onto = path::make_below(tmpfs.as_fd(), name, Leaf::Directory, 0o755, Within::BeneathNoLinks)?;
        mount::attach(tree, &onto)?;
    }
    Ok(())
}

/// Attaches a tree that is one file.
pub(super) fn attach_file(root: BorrowedFd<'_>, destination: &str, tree: BorrowedFd<'_>) -> sys::Result<()> {
    let onto = path::make_below(root, destination, Leaf::File, 0o644, Within::RootNoLinks)?;
    mount::attach(tree, &onto)
}
