//! Device nodes and the usual links of the container's /dev.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::monitor::{Device, LaunchPlan};
use sys::{
    Errno,
    fd::{self, Kind},
    mount,
    path::{self, Leaf, Node, Within},
};

use super::sources::is_dev;
use crate::failure::{At, Result, failed};

const STAGE: &str = "devices";

/// /dev/core is left out on purpose: it is the kernel's memory.
const LINKS: [(&str, &str); 5] = [
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Makes the devices that lie below /dev in the detached tmpfs `dev`. Returns those that the kernel does not
/// let us make, as binds of the host's node.
pub(super) fn make_in_dev(dev: &OwnedFd, devices: &[Device]) -> Result<Vec<(String, OwnedFd)>> {
    let mut from_host = Vec::new();
    for device in devices {
        let Some(name) = device.path.strip_prefix("/dev/") else { continue };
        match make(dev.as_fd(), name, device) {
            Err(refused) if refused.errno == Errno::EPERM.0 => {
                from_host.push((device.path.clone(), host_node(device)?));
            }
            other => other?,
        }
    }
    Ok(from_host)
}

pub(super) fn link_in_dev(dev: &OwnedFd) -> Result<()> {
    for (name, target) in LINKS {
        match path::symlink_at(target, dev, name) {
            Err(error) if error.errno == Errno::EEXIST => {}
            other => other.at(STAGE)?,
        }
    }
    Ok(())
}

/// Makes the devices that `make_in_dev` did not: outside /dev, or below a /dev that is no tmpfs of ours.
pub(super) fn make_elsewhere(root: BorrowedFd<'_>, plan: &LaunchPlan) -> Result<()> {
    let own_dev = plan.mounts.iter().any(is_dev);
    for device in &plan.devices {
        if !(own_dev && device.path.starts_with("/dev/")) {
            make(root, &device.path, device)?;
        }
    }
    Ok(())
}

fn make(root: BorrowedFd<'_>, path: &str, device: &Device) -> Result<()> {
    let what = || format!("device {:?}", device.path);
    let invalid = || failed(STAGE, what(), Errno::EINVAL);
    let trimmed = path.trim_matches('/');
    let (parent, name) = trimmed.rsplit_once('/').unwrap_or((".", trimmed));
    if name.is_empty() || name == "." || name == ".." {
        return Err(invalid());
    }
    let node = node_of(device).ok_or_else(invalid)?;
    let dir =
        path::make_below(root, parent, Leaf::Directory, 0o755, Within::RootNoLinks).at_doing(STAGE, what)?;
    match path::make_node(&dir, name, node, device.mode & 0o7777, (device.uid, device.gid)) {
        Err(error) if error.errno == Errno::EEXIST && is_there(&dir, name, node) => Ok(()),
        other => other.at_doing(STAGE, what),
    }
}

fn node_of(device: &Device) -> Option<Node> {
    let (major, minor) = (device.major, device.minor);
    match char::from_u32(device.r#type)? {
        'c' | 'u' => Some(Node::Char { major, minor }),
        'b' => Some(Node::Block { major, minor }),
        'p' => Some(Node::Fifo),
        _ => None,
    }
}

fn is_there(dir: &OwnedFd, name: &str, node: Node) -> bool {
    let found = path::open(dir, name, path::Open::PATH | path::Open::NOFOLLOW, Within::BeneathNoLinks);
    found.and_then(fd::identity).is_ok_and(|found| match node {
        Node::Char { major, minor } => found.kind == Kind::CharDevice && found.rdev == (major, minor),
        Node::Block { major, minor } => found.kind == Kind::BlockDevice && found.rdev == (major, minor),
        Node::Fifo => found.kind == Kind::Fifo,
    })
}

fn host_node(device: &Device) -> Result<OwnedFd> {
    let what = || format!("device {:?} from the host", device.path);
    let node = path::open_path(&device.path).at_doing(STAGE, what)?;
    let found = fd::identity(&node).at_doing(STAGE, what)?;
    if !matches!(found.kind, Kind::CharDevice | Kind::BlockDevice)
        || found.rdev != (device.major, device.minor)
    {
        return Err(failed(STAGE, what(), Errno::ENODEV));
    }
    mount::clone_tree(&node, "", false).at_doing(STAGE, what)
}
