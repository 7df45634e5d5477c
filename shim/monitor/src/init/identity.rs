//! Who the program is: user, groups, capabilities, no_new_privs, seccomp, in the order the kernel demands.
use std::os::fd::OwnedFd;

use proto::monitor::{Capabilities, Process};
use sys::{
    caps::{self, Sets},
    cred, prctl, seccomp,
};

use crate::{
    failure::{At, Result},
    sync,
};

/// Ends with everything given up. Says Ready before the filter can stand in the way of saying anything.
pub(super) fn assume(process: &Process, sync: &OwnedFd) -> Result<()> {
    if !process.no_new_privileges {
        // Without no_new_privs loading a filter takes CAP_SYS_ADMIN, which is gone after the next lines.
        sync::send_ready(sync)?;
        load_filter(process)?;
    }
    let sets = allowed(process.capabilities.unwrap_or_default());
    caps::limit_bounding(sets.bounding).at("capabilities")?;
    prctl::set_keep_capabilities(true).at("user")?;
    cred::set_groups(&process.additional_gids).at("user")?;
    cred::set_gid(process.gid).at_doing("user", || format!("group {}", process.gid))?;
    cred::set_uid(process.uid).at_doing("user", || format!("user {}", process.uid))?;
    prctl::set_keep_capabilities(false).at("user")?;
    caps::set(&sets).at("capabilities")?;
    caps::set_ambient(sets.ambient).at("capabilities")?;
    // A change of user id has cleared it.
    prctl::die_with_parent().at("setup")?;
    if process.no_new_privileges {
        prctl::set_no_new_privs().at("no-new-privileges")?;
        sync::send_ready(sync)?;
        load_filter(process)?;
    }
    Ok(())
}

/// Nothing beyond our own bounding set; what is effective is permitted; what is ambient is both permitted and
/// inheritable (capabilities(7) refuses anything else).
fn allowed(asked: Capabilities) -> Sets {
    let own = caps::bounding();
    let permitted = asked.permitted & own;
    let inheritable = asked.inheritable & own;
    Sets {
        bounding: asked.bounding & own,
        effective: asked.effective & permitted,
        permitted,
        inheritable,
        ambient: asked.ambient & permitted & inheritable,
    }
}

fn load_filter(process: &Process) -> Result<()> {
    if process.seccomp_filter.is_empty() {
        return Ok(());
    }
    seccomp::install(&process.seccomp_filter, process.seccomp_flags).at("seccomp")
}
