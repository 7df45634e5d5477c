//! Takes away everything under a slot's names: for tests that failed and runs that were killed.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{cgroups, links, mounts, nftables, processes};
use crate::{
    Failure, Leftovers, Result, Slot,
    netlink::{Attributes, delete_link, nft, nft_change},
    program,
};

const SIGKILL: i32 = 9;
const PATIENCE: Duration = Duration::from_secs(20);

/// Goes round until nothing is left: a killed process frees its cgroup and its mounts a moment later.
pub(crate) fn clear(slot: &Slot) -> Result {
    let end = Instant::now() + PATIENCE;
    loop {
        let refused = round(slot);
        let left = Leftovers::take(slot, None)?;
        if left.is_empty() && !slot.dir().exists() {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(Failure::new(format!(
                "cannot clear slot {}: {refused:?}\n{left}",
                slot.dir().display()
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One attempt at everything; gives what refused.
fn round(slot: &Slot) -> Vec<String> {
    let mut refused = Vec::new();
    let mut note = |what: String, result: std::result::Result<(), String>| {
        if let Err(cause) = result {
            refused.push(format!("{what}: {cause}"));
        }
    };
    for process in processes::find(slot) {
        note(format!("kill {}", process.pid), kill(process.pid));
    }
    for point in mounts::points(slot.dir()).unwrap_or_default() {
        let mut umount = program("umount");
        umount.arg("-l").arg(&point);
        let done = umount.output().map_err(|error| error.to_string());
        note(format!("umount {}", point.display()), done.map(drop));
    }
    let groups =
        [slot.cgroup_root(), slot.slice()].map(|root| cgroups::directories(&root).unwrap_or_default());
    for dir in groups.into_iter().flatten() {
        note(format!("rmdir {}", dir.display()), fs::remove_dir(&dir).map_err(|error| error.to_string()));
    }
    for name in links::names(&slot.bridge()).unwrap_or_default() {
        // A veth without a bridge may be a neighbour's: only what is surely ours.
        if name == slot.bridge() || fs::exists(format!("/sys/class/net/{name}/master")).unwrap_or(false) {
            note(format!("delete link {name}"), delete_link(&name).map_err(|cause| cause.text().to_owned()));
        }
    }
    for family in nftables::families(&slot.nft_table()).unwrap_or_default() {
        let table = Attributes::new().text(1, &slot.nft_table());
        let done = nft_change(&[(nft::DEL_TABLE, 0, family, table)]);
        note("delete the nftables table".to_owned(), done.map_err(|cause| cause.text().to_owned()));
    }
    if slot.dir().exists() {
        note(
            "remove the directory".to_owned(),
            fs::remove_dir_all(slot.dir()).map_err(|error| error.to_string()),
        );
    }
    refused
}

/// Kills whoever has this number now; it was looked at a moment ago.
fn kill(pid: u32) -> std::result::Result<(), String> {
    let pid = i32::try_from(pid).map_err(|error| error.to_string())?;
    let pidfd = sys::pidfd::open(pid).map_err(|error| error.to_string())?;
    sys::pidfd::send_signal(&pidfd, SIGKILL).map_err(|error| error.to_string())
}
