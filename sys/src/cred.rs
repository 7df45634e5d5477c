//! User and groups of the calling thread. In a single-threaded process that is the process.
use rustix::{
    process::{Gid, Uid},
    thread,
};

use crate::{Result, error::Named};

/// setgroups(2): the supplementary groups become exactly these.
pub fn set_groups(gids: &[u32]) -> Result<()> {
    let groups: Vec<Gid> = gids.iter().copied().map(Gid::from_raw).collect();
    thread::set_thread_groups(&groups).named("setgroups", || format!("{gids:?}"))
}

/// setresgid(2): real, effective and saved.
pub fn set_gid(gid: u32) -> Result<()> {
    let group = Gid::from_raw(gid);
    thread::set_thread_res_gid(group, group, group).named("setresgid", || gid)
}

/// setresuid(2): real, effective and saved. Leaving 0 drops capabilities unless they are kept.
pub fn set_uid(uid: u32) -> Result<()> {
    let user = Uid::from_raw(uid);
    thread::set_thread_res_uid(user, user, user).named("setresuid", || uid)
}

/// geteuid(2).
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
