//! Everything a container's mounts are made of, as detached trees, while the host's mounts are still in view.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::{LaunchPlan, Mount, mount::Kind};
use sys::{
    Errno, fd,
    mount::{self, Change, FsContext, attr, propagation},
};

use super::{cgroup, devices, overlay, procfs};
use crate::failure::{At, Result, failed};

const STAGE: &str = "mount";

/// What `root::build` attaches.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(super) root: OwnedFd,
    /// One per mount of the plan, in its order.
    pub(super) trees: Vec<Tree>,
    /// Device nodes that had to be taken from the host: path in the container, tree.
    pub(super) devices: Vec<(String, OwnedFd)>,
}

#[derive(Debug)]
pub(super) enum Tree {
    Directory(OwnedFd),
    File(OwnedFd),
    /// The pod's /dev/shm, which is in the blank namespace.
    Shm,
    /// A tmpfs with one v1 hierarchy on each of the named directories.
    Cgroups(OwnedFd, Vec<(String, OwnedFd)>),
}

pub(crate) fn prepare(plan: &LaunchPlan, proc_source: &procfs::Source<'_>) -> Result<Sources> {
    let rootfs = plan.rootfs.as_ref().ok_or_else(|| failed("plan", "no root file system", Errno::EINVAL))?;
    let mut trees: Vec<Option<Tree>> = plan.mounts.iter().map(|_| None).collect();
    let mut from_host = Vec::new();
    // Overlays last, the root's the very last: on old kernels they leave the host's mount namespace.
    let (overlays, others): (Vec<usize>, Vec<usize>) =
        (0..plan.mounts.len()).partition(|index| plan.mounts[*index].kind() == Kind::Overlay);
    for index in others.into_iter().chain(overlays) {
        let mount = &plan.mounts[index];
        let tree = one(mount, plan, proc_source).map_err(|mut failed| {
            failed.what = format!("{}: {}", describe(mount), failed.what);
            failed
        })?;
        if let (true, Tree::Directory(dev)) = (is_dev(mount), &tree) {
            from_host = devices::make_in_dev(dev, &plan.devices)?;
            devices::link_in_dev(dev)?;
        }
        trees[index] = Some(tree);
    }
    let root = overlay::mount(rootfs)?;
    Ok(Sources { root, trees: trees.into_iter().flatten().collect(), devices: from_host })
}

/// Whether this is the container's own /dev.
pub(super) fn is_dev(mount: &Mount) -> bool {
    mount.kind() == Kind::Tmpfs && mount.destination.trim_end_matches('/') == "/dev"
}

/// `mount "/data" at "/srv"`.
pub(super) fn describe(mount: &Mount) -> String {
    let source = match mount.kind() {
        Kind::Overlay => mount.lower_dirs.first().map_or("", String::as_str),
        kind if mount.source.is_empty() => kind.as_str_name(),
        _ => &mount.source,
    };
    format!("mount {source:?} at {:?}", mount.destination)
}

fn one(mount: &Mount, plan: &LaunchPlan, proc_source: &procfs::Source<'_>) -> Result<Tree> {
    match mount.kind() {
        Kind::Bind => bind(mount),
        Kind::Overlay => stack(mount),
        Kind::Proc => proc_source.mount(&mount.data, mount.attributes).map(Tree::Directory),
        Kind::Sysfs => fresh("sysfs", mount),
        Kind::Tmpfs => fresh("tmpfs", mount),
        Kind::Devpts => fresh("devpts", mount),
        Kind::Mqueue => fresh("mqueue", mount),
        Kind::Shm => Ok(Tree::Shm),
        Kind::Cgroup if cgroup::is_v2(&plan.cgroup_dirs) => fresh("cgroup2", mount),
        Kind::Cgroup => cgroups_v1(mount, &plan.cgroup_dirs),
    }
}

fn fresh(kind: &'static str, mount: &Mount) -> Result<Tree> {
    let context = FsContext::open(kind).at(STAGE)?;
    context.set("source", kind).at(STAGE)?;
    mount.data.iter().try_for_each(|option| context.set_option(option)).at(STAGE)?;
    context.mount(mount.attributes).at(STAGE).map(Tree::Directory)
}

fn bind(plan: &Mount) -> Result<Tree> {
    let tree = mount::clone_tree(mount::current_dir(), &plan.source, plan.recursive).at(STAGE)?;
    let identity = fd::identity(&tree).at(STAGE)?;
    if plan.attributes != 0 {
        mount::set_attributes(&tree, change_of(plan.attributes), plan.recursive_attributes).at(STAGE)?;
    }
    // Before anything is mounted below it: otherwise that would appear on the host.
    let (kind, recursive) = propagation_of(plan.propagation);
    mount::set_attributes(&tree, Change { propagation: kind, ..Change::default() }, recursive).at(STAGE)?;
    Ok(match identity.kind {
        fd::Kind::Directory => Tree::Directory(tree),
        fd::Kind::Symlink => return Err(failed(STAGE, "the source is a symbolic link", Errno::ELOOP)),
        fd::Kind::File
        | fd::Kind::CharDevice
        | fd::Kind::BlockDevice
        | fd::Kind::Fifo
        | fd::Kind::Socket
        | fd::Kind::Other => Tree::File(tree),
    })
}

/// An image as a volume. Its attributes hold for all of it: nothing can be mounted below.
fn stack(plan: &Mount) -> Result<Tree> {
    let tree = overlay::read_only(&plan.lower_dirs)?;
    let change = Change { propagation: propagation::PRIVATE, ..change_of(plan.attributes | attr::RDONLY) };
    mount::set_attributes(&tree, change, false).at(STAGE)?;
    Ok(Tree::Directory(tree))
}

/// The access-time field has three values and is replaced as a whole; flags are only added.
fn change_of(attributes: u64) -> Change {
    let clear = if attributes & attr::ATIME_MASK == 0 { 0 } else { attr::ATIME_MASK };
    Change { set: attributes, clear, propagation: 0 }
}

/// (MS_PRIVATE and so on, whether for everything below too); 0 is private, recursively.
fn propagation_of(flags: u64) -> (u64, bool) {
    match flags & !propagation::REC {
        0 => (propagation::PRIVATE, true),
        kind => (kind, flags & propagation::REC != 0),
    }
}

/// v1: each hierarchy shows the container's own directory, as a cgroup namespace does on v2.
fn cgroups_v1(mount: &Mount, dirs: &[String]) -> Result<Tree> {
    let context = FsContext::open("tmpfs").at(STAGE)?;
    context.set_option("mode=755").at(STAGE)?;
    let tmpfs = context.mount(mount.attributes & !attr::RDONLY).at(STAGE)?;
    let mut hierarchies = Vec::with_capacity(dirs.len());
    for dir in dirs {
        let name = cgroup::hierarchy(dir)?;
        sys::path::make_dir_at(&tmpfs, name, 0o755).at(STAGE)?;
        for alias in name.split(',').filter(|alias| *alias != name) {
            sys::path::symlink_at(name, tmpfs.as_fd(), alias).at(STAGE)?;
        }
        let tree = mount::clone_tree(mount::current_dir(), dir, false).at(STAGE)?;
        let change = Change { propagation: propagation::PRIVATE, ..change_of(mount.attributes) };
        mount::set_attributes(&tree, change, false).at(STAGE)?;
        hierarchies.push((name.to_owned(), tree));
    }
    Ok(Tree::Cgroups(tmpfs, hierarchies))
}
