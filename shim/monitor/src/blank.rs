//! The blank mount namespace: what every container's own mount namespace is a copy of.
//!
//! Its root is an empty read-only tmpfs that holds only what containers take from it:
//!
//! ```text
//!   /empty   a directory, bound over masked directories
//!   /null    the host's /dev/null, bound over masked files
//!   /shm     the pod's /dev/shm
//! ```
//! So no host mount is ever in a container's namespace, not even before its root is changed; a container's
//! start costs the same on a node with a thousand mounts; and the pod's /dev/shm needs no place on the host.
use std::{
    convert::Infallible,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use sys::{
    Errno,
    clone::{Flags, Forked, SingleThreaded, clone3},
    fd::{self, Kind},
    mount::{self, Change, FsContext, attr, propagation},
    ns,
    path::{self, Leaf, Within},
    pidfd, process, seqpacket,
};

use crate::{
    failure::{At, Result, failed},
    sync,
};

const STAGE: &str = "namespaces";

/// Makes the namespace in a child that ends at once; the descriptor keeps it. `shm_size_bytes` 0: no /shm.
pub(crate) fn make(proof: SingleThreaded, shm_size_bytes: u64) -> Result<OwnedFd> {
    let (ours, theirs) = seqpacket::pair().at(STAGE)?;
    match clone3(proof, Flags::NEWNS, None).at(STAGE)? {
        Forked::Child => {
            fd::close_all_except(3, &[theirs.as_raw_fd()]).ok();
            match build(shm_size_bytes, &theirs) {
                Ok(never) => match never {},
                Err(failed) => sync::send_failed(&theirs, &failed),
            }
            process::exit_now(1)
        }
        Forked::Parent { pid, pidfd } => {
            drop(theirs);
            let namespace = match sync::recv(&ours)? {
                Some(sync::Word::Ready) => ns::open_of(pid, "mnt").at(STAGE),
                Some(sync::Word::Failed(failed)) => Err(failed),
                Some(sync::Word::Terminal(..) | sync::Word::Child(..)) | None => {
                    Err(failed(STAGE, "the child that makes the mount namespace died", Errno::ECHILD))
                }
            };
            // Its end of the pair closes with ours: that is its sign to leave.
            drop(ours);
            pidfd::wait(&pidfd).at(STAGE)?;
            namespace
        }
    }
}

fn build(shm_size_bytes: u64, sync: &OwnedFd) -> Result<Infallible> {
    let root = path::open_dir("/").at(STAGE)?;
    let private = Change { propagation: propagation::PRIVATE, ..Change::default() };
    mount::set_attributes(&root, private, true).at(STAGE)?;
    let null = host_null()?;
    let context = FsContext::open("tmpfs").at(STAGE)?;
    context.set("size", "64k").at(STAGE)?;
    context.set("mode", "755").at(STAGE)?;
    let tmpfs = context.mount(attr::NOSUID | attr::NODEV | attr::NOEXEC).at(STAGE)?;
    path::make_dir_at(&tmpfs, "empty", 0o755).at(STAGE)?;
    let null_file = below(&tmpfs, "null", Leaf::File)?;
    let shm_dir = below(&tmpfs, "shm", Leaf::Directory)?;
    mount::attach_at(&tmpfs, "/").at(STAGE)?;
    mount::attach(&null, &null_file).at(STAGE)?;
    if shm_size_bytes > 0 {
        mount::attach(shm(shm_size_bytes)?, &shm_dir).at(STAGE)?;
    }
    mount::set_attributes(&tmpfs, Change { set: attr::RDONLY, ..Change::default() }, false).at(STAGE)?;
    match mount::change_root(&tmpfs) {
        // The host runs from its initramfs, which cannot be left; the namespace's root still leads to ours,
        // because the topmost mount on it is what setns(2) lands on.
        Err(error) if error.op == "pivot_root" && error.errno == Errno::EINVAL => {}
        other => other.at(STAGE)?,
    }
    sync::send_ready(sync)?;
    // Until the parent has opened the namespace.
    sync::recv(sync).ok();
    process::exit_now(0)
}

fn below(root: &OwnedFd, name: &str, leaf: Leaf) -> Result<OwnedFd> {
    path::make_below(root.as_fd(), name, leaf, 0o755, Within::BeneathNoLinks).at(STAGE)
}

/// A bind of the host's /dev/null, checked to be the device.
fn host_null() -> Result<OwnedFd> {
    let null = path::open_path("/dev/null").at(STAGE)?;
    let identity = fd::identity(&null).at(STAGE)?;
    if identity.kind != Kind::CharDevice || identity.rdev != (1, 3) {
        return Err(failed(STAGE, "/dev/null of the host is not the null device", Errno::EINVAL));
    }
    mount::clone_tree(&null, "", false).at(STAGE)
}

fn shm(size_bytes: u64) -> Result<OwnedFd> {
    let context = FsContext::open("tmpfs").at(STAGE)?;
    context.set("source", "shm").at(STAGE)?;
    context.set("size", &size_bytes.to_string()).at(STAGE)?;
    context.set("mode", "1777").at(STAGE)?;
    context.mount(attr::NOSUID | attr::NODEV | attr::NOEXEC).at(STAGE)
}
