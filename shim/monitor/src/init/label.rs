//! AppArmor and SELinux labels for the program, written through a procfs nothing can be mounted over.
use std::os::fd::OwnedFd;

use proto::monitor::Process;
use sys::{
    Errno, io,
    path::{self, Open, Within},
};

use super::procfs;
use crate::failure::{At, Result};

/// Asks for the labels at the next exec.
///
/// # Errors
/// Stage "apparmor" or "selinux": the module is not there, or knows no such profile or label.
pub(super) fn set(process: &Process) -> Result<()> {
    if process.apparmor_profile.is_empty() && process.selinux_label.is_empty() {
        return Ok(());
    }
    let proc = procfs::private()?;
    if !process.apparmor_profile.is_empty() {
        let order = format!("exec {}", process.apparmor_profile);
        match write(&proc, "self/attr/apparmor/exec", &order) {
            // Before 5.8 the module has no directory of its own.
            Err(error) if error.errno == Errno::ENOENT => write(&proc, "self/attr/exec", &order),
            other => other,
        }
        .at_doing("apparmor", || format!("profile {:?}", process.apparmor_profile))?;
    }
    if !process.selinux_label.is_empty() {
        write(&proc, "self/attr/exec", &process.selinux_label)
            .at_doing("selinux", || format!("label {:?}", process.selinux_label))?;
    }
    Ok(())
}

fn write(proc: &OwnedFd, name: &str, value: &str) -> sys::Result<()> {
    let file = path::open(proc, name, Open::WRONLY, Within::SameMount)?;
    io::write(&file, value.as_bytes()).map(drop)
}
