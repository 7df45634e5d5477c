//! The oracle's own proof: each kind of leak is planted, found, and taken away again.
//!
//! Needs root and util-linux (`mount`, `unshare`, `sleep`), as the end-to-end tests do.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::*;
use crate::{
    debian,
    netlink::{Attributes, nft, nft_change},
    program,
};

const CREATE: u16 = 0x400;
const INET: u8 = 1;

/// Plants something, expects a line with `wanted` in it, clears, expects nothing.
fn planted_and_found(wanted: &str, plant: impl FnOnce(&Slot)) {
    let slot = Slot::take().unwrap();
    let before = own(&slot);
    assert!(before.is_empty(), "a fresh slot has nothing: {before}");
    plant(&slot);
    let found = Leftovers::take(&slot, None).unwrap().beyond(&before);
    assert!(found.iter().any(|thing| thing.contains(wanted)), "wanted {wanted:?}, found {found:?}");
    slot.clear().unwrap();
    let left = own(&slot);
    assert!(left.is_empty(), "after clearing: {left}");
}

/// Without the veth that a test beside this one plants: it could be anybody's.
fn own(slot: &Slot) -> Leftovers {
    Leftovers::take(slot, None).unwrap().only(|thing| !thing.starts_with("link bv"))
}

/// Starts a process and lets go of it; a thread reaps it when it is killed.
fn stray(mut command: Command) -> u32 {
    let child: Child = command.process_group(0).stdin(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    let reap = move || {
        let mut child = child;
        let _ = child.wait();
    };
    std::thread::Builder::new().spawn(reap).unwrap();
    pid
}

fn sleeper() -> Command {
    let mut command = program("sleep");
    command.arg("1000").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn wait_for(mut holds: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(std::time::Instant::now() < end, "the planted thing never came up");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A directory of the slot's in every cgroup hierarchy.
fn cgroups_of(slot: &Slot) -> Vec<PathBuf> {
    let hierarchies = cgroups::hierarchies().unwrap();
    hierarchies
        .into_iter()
        .map(|dir| dir.join(slot.cgroup_root().trim_start_matches('/')).join("pod"))
        .collect()
}

#[test]
fn a_process_whose_command_line_names_the_slot() {
    planted_and_found("/run 1000", |slot| {
        let mut command = sleeper();
        command.arg0(slot.run_dir());
        stray(command);
        wait_for(|| !processes::find(slot).is_empty());
    });
}

#[test]
fn a_process_that_writes_into_the_slot() {
    planted_and_found("sleep 1000", |slot| {
        let mut command = sleeper();
        command.stderr(File::create(slot.dir().join("monitor.log")).unwrap());
        stray(command);
    });
}

#[test]
fn a_process_that_works_in_the_slot() {
    planted_and_found("sleep 1000", |slot| {
        let mut command = sleeper();
        command.current_dir(slot.dir());
        stray(command);
    });
}

#[test]
fn a_process_in_a_cgroup_of_the_slot() {
    planted_and_found("sleep 1000", |slot| {
        let pid = stray(sleeper());
        for dir in cgroups_of(slot) {
            fs::create_dir_all(&dir).unwrap();
            // A cpuset of v1 takes no process before it is set up; any one hierarchy is enough.
            let _ = fs::write(dir.join("cgroup.procs"), pid.to_string());
        }
    });
}

#[test]
fn a_process_with_a_mount_of_the_slot_in_its_own_namespace() {
    planted_and_found("sleep 1000", |slot| {
        let place = slot.dir().join("merged");
        fs::create_dir_all(&place).unwrap();
        let mut command = program("unshare");
        command.args(["--mount", "sh", "-c", "mount -t tmpfs none \"$PLACE\" && exec sleep 1000"]);
        command.env("PLACE", place).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        stray(command);
        wait_for(|| !processes::find(slot).is_empty());
    });
}

#[test]
fn a_namespace_and_a_file_the_daemon_holds() {
    let slot = Slot::take().unwrap();
    let own = std::process::id();
    let before = Leftovers::take(&slot, Some(own)).unwrap();
    let namespace = File::open("/proc/self/ns/net").unwrap();
    let file = File::create(slot.dir().join("kept-open")).unwrap();
    let found = Leftovers::take(&slot, Some(own)).unwrap().beyond(&before);
    assert!(found.iter().any(|thing| thing.contains("net namespace")), "{found:?}");
    assert!(found.iter().any(|thing| thing.contains("kept-open")), "{found:?}");
    drop((namespace, file));
    slot.clear().unwrap();
}

#[test]
fn a_mount() {
    planted_and_found("mount ", |slot| {
        let place = slot.root().join("merged");
        fs::create_dir_all(&place).unwrap();
        assert!(program("mount").args(["-t", "tmpfs", "none"]).arg(&place).status().unwrap().success());
    });
}

#[test]
fn a_cgroup_in_every_hierarchy() {
    for (number, _) in cgroups::hierarchies().unwrap().iter().enumerate() {
        planted_and_found("cgroup ", |slot| fs::create_dir_all(&cgroups_of(slot)[number]).unwrap());
    }
}

#[test]
fn the_bridge() {
    planted_and_found("link btest", |slot| {
        let busybox = debian::busybox().unwrap();
        assert!(program(busybox).args(["brctl", "addbr", &slot.bridge()]).status().unwrap().success());
    });
}

#[test]
fn a_veth_without_a_bridge() {
    // A neighbour's test may run meanwhile: only this link is looked at, and taken away by name.
    let slot = Slot::take().unwrap();
    let name = format!("bv{:011x}", std::process::id());
    let busybox = debian::busybox().unwrap();
    assert!(program(&busybox).args(["brctl", "addbr", &name]).status().unwrap().success());
    let found = Leftovers::take(&slot, None).unwrap();
    assert!(program(&busybox).args(["brctl", "delbr", &name]).status().unwrap().success());
    assert!(found.things().any(|thing| thing == format!("link {name}")), "{found}");
}

#[test]
fn an_nftables_table_and_all_that_is_in_one() {
    for wanted in [": chain c", ": rule ", ": set s", ": element 0102 of set s"] {
        planted_and_found(wanted, |slot| {
            let table = || Attributes::new().text(1, &slot.nft_table());
            let key = Attributes::new()
                .nested(1, &Attributes::new().nested(1, &Attributes::new().bytes(1, &[1, 2])));
            let set = table().text(2, "s").number(3, 0).number(4, 13).number(5, 2).number(10, 1);
            nft_change(&[(nft::NEW_TABLE, CREATE, INET, table())]).unwrap();
            nft_change(&[(nft::NEW_CHAIN, CREATE, INET, table().text(3, "c"))]).unwrap();
            nft_change(&[(nft::NEW_RULE, CREATE | 0x800, INET, table().text(2, "c"))]).unwrap();
            nft_change(&[(nft::NEW_SET, CREATE, INET, set)]).unwrap();
            let elements = table().text(2, "s").nested(3, &key);
            nft_change(&[(nft::NEW_ELEMENT, CREATE, INET, elements)]).unwrap();
        });
    }
}

#[test]
fn files_wherever_the_daemon_may_leave_them() {
    let places = [
        "root/pods/x/record",
        "root/containers/x/upper",
        "root/images/ingest/x",
        "root/images/layers/x",
        "run/pods/x",
        "tmp/x",
    ];
    for place in places {
        planted_and_found(place, |slot| fs::create_dir_all(slot.dir().join(place)).unwrap());
    }
}

#[test]
fn settling_fails_while_a_leak_stays_and_names_it() {
    let slot = Slot::take().unwrap();
    let before = Leftovers::take(&slot, None).unwrap();
    fs::create_dir_all(slot.root().join("pods/forgotten")).unwrap();
    let failure = crate::run(Leftovers::settle(&slot, None, &before)).unwrap_err();
    assert!(failure.text().contains("file root/pods/forgotten"), "{failure:?}");
    slot.clear().unwrap();
}
