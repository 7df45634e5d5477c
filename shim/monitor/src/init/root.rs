//! Puts the container's file system together on top of a copy of the blank namespace, and makes it the root.
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use proto::monitor::LaunchPlan;
use sys::{
    mount::{self, Change, attr, propagation},
    path::{self, Leaf, Open, Within},
    tty::Pty,
};

use super::{cwd, devices, masks, mounts, sources::Sources, terminal};
use crate::failure::{At, Result};

const STAGE: &str = "rootfs";

/// What containers take from the blank namespace; see `blank`.
#[derive(Debug)]
pub(super) struct Blank {
    pub(super) shm: OwnedFd,
    pub(super) empty: OwnedFd,
    pub(super) null: OwnedFd,
}

/// In a copy of the blank namespace. Afterwards `/` is the container's root. The blank one stays below it, out
/// of reach and with nothing of the host's in it: to take it off would cost a grace period of the kernel.
pub(crate) fn build(plan: &LaunchPlan, sources: Sources) -> Result<Option<Pty>> {
    let here = path::open_dir("/").at(STAGE)?;
    let open = |name| path::open(&here, name, Open::PATH, Within::BeneathNoLinks).at(STAGE);
    let blank = Blank { shm: open("shm")?, empty: open("empty")?, null: open("null")? };
    let root = sources.root.as_fd();
    mount::attach_at(root, "/").at(STAGE)?;
    mounts::attach_all(root, plan, &sources.trees, &blank)?;
    for (path, tree) in &sources.devices {
        mounts::attach_file(root, path, tree.as_fd()).at_doing("devices", || format!("device {path:?}"))?;
    }
    devices::make_elsewhere(root, plan)?;
    let terminal = terminal_of(root, plan)?;
    masks::readonly_paths(root, &plan.readonly_paths)?;
    masks::masked_paths(root, &plan.masked_paths, &blank)?;
    mount::enter_topmost(root).at(STAGE)?;
    cwd::make(plan.process.as_ref().map_or("/", |process| &process.cwd))?;
    if plan.root_propagation & propagation::SHARED != 0 {
        // Last, or what was attached below would be shared as well. As a slave of nobody it is private already.
        let change = Change { propagation: propagation::SHARED, ..Change::default() };
        mount::set_attributes(root, change, false).at(STAGE)?;
    }
    if plan.rootfs.as_ref().is_some_and(|rootfs| rootfs.readonly) {
        let change = Change { set: attr::RDONLY, ..Change::default() };
        mount::set_attributes(root, change, false).at(STAGE)?;
    }
    Ok(terminal)
}

fn terminal_of(root: BorrowedFd<'_>, plan: &LaunchPlan) -> Result<Option<Pty>> {
    if !plan.process.as_ref().is_some_and(|process| process.terminal) {
        return Ok(None);
    }
    let pty = terminal::open_below(root)?;
    let console = mount::clone_tree(&pty.peer, "", false).at("terminal")?;
    let place =
        path::make_below(root, "/dev/console", Leaf::File, 0o600, Within::RootNoLinks).at("terminal")?;
    mount::attach(&console, &place).at("terminal")?;
    Ok(Some(pty))
}
