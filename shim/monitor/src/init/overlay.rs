//! The container's root: an overlay of the image's layers and a writable directory, mounted nowhere yet.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor::{Failed, Rootfs};
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

/// A detached overlay. On kernels before 6.5 the caller is in a mount namespace of its own afterwards.
///
/// # Errors
/// Stage "rootfs": a directory is missing, too many layers, or overlayfs's own words.
pub(super) fn mount(rootfs: &Rootfs) -> Result<OwnedFd> {
    check(rootfs)?;
    forget_crash(rootfs);
    match by_context(rootfs) {
        // Before 6.5 lower directories are one string. The key is refused at the end or not at all, so EINVAL
        // is all there is to go by.
        Err(refused) if refused.errno == Errno::EINVAL.0 => by_one_string(rootfs).map_err(|second| {
            // A newer kernel said the same before, in more words.
            if second.errno == Errno::EINVAL.0 { refused } else { second }
        }),
        other => other,
    }
}

fn check(rootfs: &Rootfs) -> Result<()> {
    let layers = rootfs.lower_dirs.len();
    if layers == 0 || rootfs.upper_dir.is_empty() || rootfs.work_dir.is_empty() {
        return Err(failed(STAGE, "an overlay needs a lower, an upper and a work directory", Errno::EINVAL));
    }
    if layers > MAX_LAYERS {
        return Err(failed(STAGE, format!("{layers} layers, the kernel takes {MAX_LAYERS}"), Errno::E2BIG));
    }
    Ok(())
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

fn by_context(rootfs: &Rootfs) -> Result<OwnedFd> {
    // Descriptors of paths that fsconfig(2) cannot take; kept until the mount exists.
    let mut kept = Vec::new();
    let context = FsContext::open("overlay").at(STAGE)?;
    context.set("source", "overlay").at(STAGE)?;
    for layer in &rootfs.lower_dirs {
        let name = option_path(layer, &mut kept)?;
        context.set("lowerdir+", &name).at_doing(STAGE, || format!("layer {layer:?}"))?;
    }
    context.set("upperdir", &option_path(&rootfs.upper_dir, &mut kept)?).at(STAGE)?;
    context.set("workdir", &option_path(&rootfs.work_dir, &mut kept)?).at(STAGE)?;
    OPTIONS.iter().try_for_each(|option| context.set_option(option)).at(STAGE)?;
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

/// Every option in one page given to mount(2), which needs a place to mount on: the upper directory, in a
/// namespace that is left right afterwards.
fn by_one_string(rootfs: &Rootfs) -> Result<OwnedFd> {
    ns::unshare(Kinds::MOUNT).at(STAGE)?;
    let host = path::open_dir("/").at(STAGE)?;
    let private = Change { propagation: propagation::PRIVATE, ..Change::default() };
    mount::set_attributes(&host, private, true).at(STAGE)?;
    // Opened here, for overlayfs refuses directories of another mount namespace.
    let mut dirs = Vec::with_capacity(rootfs.lower_dirs.len() + 2);
    for dir in rootfs.lower_dirs.iter().chain([&rootfs.upper_dir, &rootfs.work_dir]) {
        dirs.push(path::open_dir(dir).at_doing(STAGE, || format!("layer {dir:?}"))?);
    }
    let names: Vec<String> = dirs.iter().map(|dir| fd::proc_path(dir.as_fd())).collect();
    let [lower @ .., upper, work] = names.as_slice() else { return Err(too_many(0)) };
    let lower = lower.join(":");
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work},{}", OPTIONS.join(","));
    if options.len() > MAX_OPTIONS {
        return Err(too_many(rootfs.lower_dirs.len()));
    }
    mount::mount_with_data("overlay", &rootfs.upper_dir, &options).at(STAGE)?;
    let attached = mount::open_mounted(&rootfs.upper_dir).at(STAGE)?;
    mount::clone_tree(&attached, "", false).at(STAGE)
}

fn too_many(layers: usize) -> Failed {
    failed(STAGE, format!("{layers} layers are more than this kernel's overlayfs takes"), Errno::E2BIG)
}

#[cfg(test)]
mod tests;
