//! Overlays, mounted nowhere yet: the container's root, of its image's layers and a writable directory, and images as
//! read-only volumes.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::Rootfs;
use sys::{
    Errno, fd,
    mount::{self, Change, FsContext, propagation},
    ns::{self, Kinds},
    path,
};

use crate::failure::{At, Result, failed};

const STAGE: &str = "rootfs";
/// OVL_MAX_STACK of the kernel.
const MAX_LAYERS: usize = 500;
/// What fsconfig(2) takes as a string, without its NUL.
const MAX_STRING: usize = 255;
/// One page, which is what mount(2) takes as options, without its NUL.
const MAX_OPTIONS: usize = 4095;

/// `volatile`: a container's writable layer is never used again after a crash, so nothing of it need be synced;
/// unmounting is several times faster. `index=off`: layers are shared by many overlays.
const OPTIONS: [&str; 2] = ["volatile", "index=off"];

/// What is stacked: directories, uppermost first, and for a root the writable directory over them with its scratch one.
#[derive(Debug, Clone, Copy)]
struct Stack<'a> {
    lower: &'a [String],
    writable: Option<(&'a str, &'a str)>,
}

/// The container's root, detached. On kernels before 6.5 the caller is in a mount namespace of its own afterwards.
///
/// # Errors
/// Stage "rootfs": a directory is missing, too many layers, or overlayfs's own words.
pub(super) fn mount(rootfs: &Rootfs) -> Result<OwnedFd> {
    if rootfs.lower_dirs.is_empty() || rootfs.upper_dir.is_empty() || rootfs.work_dir.is_empty() {
        return Err(failed(STAGE, "an overlay needs a lower, an upper and a work directory", Errno::EINVAL));
    }
    forget_crash(rootfs);
    stack(Stack { lower: &rootfs.lower_dirs, writable: Some((&rootfs.upper_dir, &rootfs.work_dir)) })
}

/// A read-only overlay, detached; else as [`mount`].
pub(super) fn read_only(lower: &[String]) -> Result<OwnedFd> {
    if lower.len() < 2 {
        return Err(failed(STAGE, "an overlay that nobody writes to needs two directories", Errno::EINVAL));
    }
    stack(Stack { lower, writable: None })
}

fn stack(wanted: Stack<'_>) -> Result<OwnedFd> {
    let layers = wanted.lower.len();
    if layers > MAX_LAYERS {
        return Err(failed(STAGE, format!("{layers} layers, the kernel takes {MAX_LAYERS}"), Errno::E2BIG));
    }
    match by_context(wanted) {
        // Before 6.5 lower directories are one string. The key is refused at the end or not at all, so EINVAL
        // is all there is to go by.
        Err(refused) if refused.errno == Errno::EINVAL.0 => by_one_string(wanted).map_err(|second| {
            // A newer kernel said the same before, in more words.
            if second.errno == Errno::EINVAL.0 { refused } else { second }
        }),
        other => other,
    }
}

/// A volatile overlay leaves a mark that refuses a second mount, for it might follow a crash. Here it follows
/// only a start that failed: after a crash containers are not started again.
fn forget_crash(rootfs: &Rootfs) {
    let mark = format!("{}/work/incompat/volatile", rootfs.work_dir);
    if let Ok(dir) = path::open_dir(&mark) {
        path::unlink_at(&dir, "dirty").ok();
        path::remove_dir(&mark).ok();
    }
}

fn by_context(wanted: Stack<'_>) -> Result<OwnedFd> {
    // Descriptors of paths that fsconfig(2) cannot take; kept until the mount exists.
    let mut kept = Vec::new();
    let context = FsContext::open("overlay").at(STAGE)?;
    context.set("source", "overlay").at(STAGE)?;
    for layer in wanted.lower {
        let name = option_path(layer, &mut kept)?;
        context.set("lowerdir+", &name).at_doing(STAGE, || format!("layer {layer:?}"))?;
    }
    if let Some((upper, work)) = wanted.writable {
        context.set("upperdir", &option_path(upper, &mut kept)?).at(STAGE)?;
        context.set("workdir", &option_path(work, &mut kept)?).at(STAGE)?;
        OPTIONS.iter().try_for_each(|option| context.set_option(option)).at(STAGE)?;
    }
    context.mount(0).at(STAGE)
}

/// The path itself, or one by descriptor where overlayfs or fsconfig(2) could not take it.
fn option_path(path: &str, kept: &mut Vec<OwnedFd>) -> Result<String> {
    if path.len() <= MAX_STRING && !path.contains(['\\', ':', ',']) {
        return Ok(path.to_owned());
    }
    let dir = path::open_dir(path).at_doing(STAGE, || format!("layer {path:?}"))?;
    let name = fd::proc_path(dir.as_fd());
    kept.push(dir);
    Ok(name)
}

/// Every option in one page given to mount(2), which needs a place to mount on: the upper directory, or the uppermost,
/// in a namespace that is left right afterwards.
fn by_one_string(wanted: Stack<'_>) -> Result<OwnedFd> {
    ns::unshare(Kinds::MOUNT).at(STAGE)?;
    let host = path::open_dir("/").at(STAGE)?;
    let private = Change { propagation: propagation::PRIVATE, ..Change::default() };
    mount::set_attributes(&host, private, true).at(STAGE)?;
    // Opened here, for overlayfs refuses directories of another mount namespace.
    let mut kept = Vec::new();
    let mut open = |path: &str| {
        let dir = path::open_dir(path).at_doing(STAGE, || format!("layer {path:?}"))?;
        let name = fd::proc_path(dir.as_fd());
        kept.push(dir);
        Ok(name)
    };
    let lower: Vec<String> = wanted.lower.iter().map(|layer| open(layer)).collect::<Result<_>>()?;
    let mut options = format!("lowerdir={}", lower.join(":"));
    let mut place = wanted.lower.first().map_or("", String::as_str);
    if let Some((upper, work)) = wanted.writable {
        options += &format!(",upperdir={},workdir={},{}", open(upper)?, open(work)?, OPTIONS.join(","));
        place = upper;
    }
    if options.len() > MAX_OPTIONS {
        let text = format!("{} layers are more than this kernel's overlayfs takes", lower.len());
        return Err(failed(STAGE, text, Errno::E2BIG));
    }
    mount::mount_with_data("overlay", place, &options).at(STAGE)?;
    let attached = mount::open_mounted(place).at(STAGE)?;
    let tree = mount::clone_tree(&attached, "", false).at(STAGE)?;
    if wanted.writable.is_none() {
        // The layer may be wanted again, for another volume or for the root.
        mount::detach(place).at(STAGE)?;
    }
    Ok(tree)
}

#[cfg(test)]
mod tests;
