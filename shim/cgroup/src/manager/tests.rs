//! On the machine's own hierarchies, below a group of our own.
use oci_spec::runtime::{LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResourcesBuilder};

use super::*;

struct Group {
    manager: Manager,
    name: String,
}

impl Group {
    fn new(name: &str) -> Self {
        let name = format!("/berth-test-{name}-{}", std::process::id());
        Self { manager: Manager::open(&name).unwrap(), name }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.manager.remove(&self.name).unwrap();
        assert!(self.manager.dirs(&self.name).unwrap().iter().all(|dir| !dir.exists()), "the group is gone");
    }
}

fn limited(memory: i64, pids: i64) -> LinuxResources {
    LinuxResourcesBuilder::default()
        .memory(LinuxMemoryBuilder::default().limit(memory).build().unwrap())
        .pids(LinuxPidsBuilder::default().limit(pids).build().unwrap())
        .build()
        .unwrap()
}

#[test]
fn a_group_is_made_limited_measured_updated_and_removed_twice() {
    let group = Group::new("life");
    let path = format!("{}/pod/one", group.name);
    let made = group.manager.create(&path, &limited(32 << 20, 50)).unwrap();
    assert!(made.dirs.iter().all(|dir| dir.is_dir()));
    assert_eq!(group.manager.stats(&path).unwrap().memory.limit_bytes, Some(32 << 20));
    group.manager.update(&path, &limited(64 << 20, 60)).unwrap();
    assert_eq!(group.manager.stats(&path).unwrap().memory.limit_bytes, Some(64 << 20));
    group.manager.remove(&path).unwrap();
    group.manager.remove(&path).unwrap();
}

#[test]
fn a_refused_update_leaves_the_old_values() {
    let group = Group::new("update");
    let path = format!("{}/one", group.name);
    group.manager.create(&path, &limited(32 << 20, 50)).unwrap();
    // The kernel takes no pids limit beyond PID_MAX_LIMIT.
    assert!(group.manager.update(&path, &limited(64 << 20, i64::MAX)).is_err());
    assert_eq!(group.manager.stats(&path).unwrap().memory.limit_bytes, Some(32 << 20));
}

#[test]
fn members_are_killed_before_the_group_goes() {
    let group = Group::new("kill");
    let path = format!("{}/one", group.name);
    let made = group.manager.create(&path, &LinuxResources::default()).unwrap();
    let mut child = sys::process::command("/bin/sleep").arg("1000").spawn().unwrap();
    for dir in &made.dirs {
        files::write(&dir.join("cgroup.procs"), &child.id().to_string()).unwrap();
    }
    assert_eq!(group.manager.pids(&path).unwrap(), [i32::try_from(child.id()).unwrap()]);
    group.manager.remove(&path).unwrap();
    assert!(!child.wait().unwrap().success());
}
