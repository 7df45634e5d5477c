//! On the machine's own hierarchies, below a group of our own; v2's files also on a plain directory tree.
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use oci_spec::runtime::{
    LinuxCpuBuilder, LinuxDeviceCgroupBuilder, LinuxDeviceType, LinuxMemoryBuilder, LinuxPidsBuilder,
    LinuxResourcesBuilder,
};

use super::*;
use crate::Kind;

mod fake;

struct Place {
    manager: Manager,
    name: String,
}

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("/berth-unit-{name}-{}", std::process::id());
        Self { manager: Manager::open(Driver::Cgroupfs).unwrap(), name }
    }

    fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.name)
    }

    /// A shell in the group, which does nothing before it is there.
    fn run(&self, path: &str, script: &str) -> Child {
        let script = format!("read go; {script}");
        let mut command = sys::process::command("/bin/sh");
        let silent =
            command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = silent.spawn().unwrap();
        for dir in self.manager.dirs(path).unwrap() {
            files::write(&dir.join("cgroup.procs"), &child.id().to_string()).unwrap();
        }
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        child
    }

    /// Waits until `done` says so; only a failing test waits the minute out.
    fn until(&self, mut done: impl FnMut(&Manager) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !done(&self.manager) {
            assert!(Instant::now() < end, "waited too long");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn file(&self, path: &str, controller: &str, file: &str) -> String {
        let dir = self.manager.group(path).unwrap().dir(controller).unwrap();
        files::read(&dir.join(file)).unwrap().trim().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.manager.remove(&self.name).unwrap();
        assert!(self.manager.dirs(&self.name).unwrap().iter().all(|dir| !dir.exists()), "the group is gone");
    }
}

fn empty() -> LinuxResources {
    let mut resources = LinuxResources::default();
    resources.set_devices(None);
    resources
}

fn limited(memory: i64, swap: i64, pids: i64) -> LinuxResources {
    let mut resources = empty();
    resources.set_memory(Some(LinuxMemoryBuilder::default().limit(memory).swap(swap).build().unwrap()));
    resources.set_pids(Some(LinuxPidsBuilder::default().limit(pids).build().unwrap()));
    resources
}

fn cpu(quota: i64, period: u64) -> LinuxResources {
    let mut resources = empty();
    resources.set_cpu(Some(
        LinuxCpuBuilder::default().quota(quota).period(period).shares(512u64).build().unwrap(),
    ));
    resources
}

#[test]
fn a_group_is_made_limited_measured_updated_and_removed_twice() {
    let place = Place::new("life");
    let path = place.path("pod/one");
    let made = place.manager.create(&path, &limited(32 << 20, 0, 50)).unwrap();
    assert!(made.dirs.iter().all(|dir| dir.is_dir()));
    let read = place.manager.metrics(&path).unwrap();
    assert_eq!((read.memory.limit, read.tasks_limit, read.tasks), (Some(32 << 20), Some(50), Some(0)));
    place.manager.update(&path, &limited(64 << 20, 0, 60)).unwrap();
    let stats = place.manager.stats(&path).unwrap();
    assert_eq!(stats.memory.limit_bytes, Some(64 << 20));
    place.manager.create(&path, &limited(32 << 20, 0, 50)).unwrap();
    place.manager.remove(&path).unwrap();
    place.manager.remove(&path).unwrap();
    assert_eq!(place.manager.stats(&path).unwrap_err().kind(), Kind::NotFound);
    assert_eq!(place.manager.update(&path, &limited(1 << 30, 0, 1)).unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn what_runs_is_measured() {
    let place = Place::new("stats");
    let path = place.path("one");
    place.manager.create(&path, &limited(256 << 20, 0, 50)).unwrap();
    let mut child =
        place.run(&path, "while :; do head -c 100000 /dev/zero | tail -c 100000 >/dev/null; done");
    // The kernel gathers memory's counters from all processors only now and then, and tells user from system time by
    // sampling at its ticks.
    place.until(|manager| {
        let (stats, cpu) = (manager.stats(&path).unwrap(), manager.metrics(&path).unwrap().cpu);
        let memory = &stats.memory;
        cpu.usage_ns > Some(20_000_000)
            && cpu.user_ns.max(cpu.system_ns) > Some(0)
            && memory.page_faults > 0
            && memory.usage_bytes > 0
            && stats.pids.current >= 1
    });
    let stats = place.manager.stats(&path).unwrap();
    assert!(stats.memory.working_set_bytes <= stats.memory.usage_bytes);
    place.manager.kill(&path).unwrap();
    child.wait().unwrap();
}

#[test]
fn a_refused_update_leaves_the_old_values() {
    let place = Place::new("update");
    let path = place.path("one");
    place.manager.create(&path, &limited(32 << 20, 0, 50)).unwrap();
    // The kernel takes no pids limit beyond PID_MAX_LIMIT.
    assert!(place.manager.update(&path, &limited(64 << 20, 0, i64::MAX)).is_err());
    let read = place.manager.metrics(&path).unwrap();
    assert_eq!((read.memory.limit, read.tasks_limit), (Some(32 << 20), Some(50)));
    assert_eq!(
        place.manager.update(&path, &limited(64 << 20, 32 << 20, 50)).unwrap_err().kind(),
        Kind::Invalid
    );
}

#[test]
fn memory_and_swap_grow_and_shrink_together() {
    let place = Place::new("swap");
    let path = place.path("one");
    place.manager.create(&path, &limited(32 << 20, 32 << 20, 50)).unwrap();
    for size in [64i64 << 20, 16 << 20, 16 << 20, -1, 128 << 20] {
        place.manager.update(&path, &limited(size, size, 50)).unwrap();
        assert_eq!(
            place.manager.stats(&path).unwrap().memory.limit_bytes,
            u64::try_from(size).ok(),
            "{size}"
        );
        assert_eq!(place.manager.swap_limit(&path).unwrap().unwrap_or(0), 0, "{size}");
    }
}

#[test]
fn quota_and_period_change_in_any_order() {
    let place = Place::new("quota");
    let path = place.path("one");
    place.manager.create(&path, &cpu(50_000, 100_000)).unwrap();
    for (quota, period) in
        [(2_000, 1_000), (1_000_000, 1_000_000), (-1, 100_000), (1_000, 1_000), (500_000, 100_000)]
    {
        place.manager.update(&path, &cpu(quota, period)).unwrap();
        if !place.manager.layout().is_v2() {
            assert_eq!(place.file(&path, "cpu", "cpu.cfs_quota_us"), quota.to_string());
            assert_eq!(place.file(&path, "cpu", "cpu.cfs_period_us"), period.to_string());
            assert_eq!(place.file(&path, "cpu", "cpu.shares"), "512");
        }
    }
}

#[test]
fn a_new_cpuset_has_what_its_parent_has() {
    let place = Place::new("cpuset");
    let path = place.path("deep/er/one");
    place.manager.create(&path, &empty()).unwrap();
    if place.manager.layout().is_v2() {
        return;
    }
    let root = place.manager.layout().root_of("cpuset").unwrap().to_owned();
    let top = files::read(&root.join("cpuset.cpus")).unwrap();
    assert_eq!(place.file(&path, "cpuset", "cpuset.cpus"), top.trim());
    assert!(!place.file(&path, "cpuset", "cpuset.mems").is_empty());
}

#[test]
fn members_are_killed_before_the_group_goes() {
    let place = Place::new("kill");
    let path = place.path("one");
    place.manager.create(&path, &empty()).unwrap();
    let mut child = place.run(&path, "exec sleep 1000");
    assert_eq!(place.manager.pids(&path).unwrap(), [i32::try_from(child.id()).unwrap()]);
    // Nested groups with members, which nobody told us of.
    for dir in place.manager.dirs(&path).unwrap() {
        fs::create_dir_all(dir.join("inner/most")).unwrap();
    }
    place.manager.remove(&path).unwrap();
    assert!(!child.wait().unwrap().success());
    assert!(place.manager.dirs(&path).unwrap().iter().all(|dir| !dir.exists()));
}

#[test]
fn a_fork_storm_is_killed() {
    let place = Place::new("storm");
    let path = place.path("one");
    place.manager.create(&path, &limited(512 << 20, 0, 200)).unwrap();
    let mut child = place.run(&path, "f() { while :; do sleep 60 & sleep 0.01; done; }; f & f & f & wait");
    place.until(|manager| manager.pids(&path).unwrap().len() > 40);
    place.manager.remove(&path).unwrap();
    child.wait().unwrap();
}

#[test]
fn a_frozen_group_stands_still_and_can_be_killed() {
    let place = Place::new("freeze");
    let path = place.path("one");
    place.manager.create(&path, &empty()).unwrap();
    let mut child = place.run(&path, "while :; do :; done");
    let used = |manager: &Manager| manager.stats(&path).unwrap().cpu.usage_ns;
    place.until(|manager| used(manager) > 5_000_000);
    place.manager.freeze(&path).unwrap();
    let before = used(&place.manager);
    std::thread::sleep(Duration::from_millis(50));
    assert!(used(&place.manager) - before < 5_000_000);
    place.manager.thaw(&path).unwrap();
    place.until(|manager| used(manager) > before + 5_000_000);
    place.manager.freeze(&path).unwrap();
    place.manager.kill(&path).unwrap();
    assert!(!child.wait().unwrap().success());
    place.manager.freeze(&path).unwrap();
    place.manager.remove(&path).unwrap();
}

#[test]
fn oom_kills_are_counted() {
    let place = Place::new("oom");
    let path = place.path("one");
    place.manager.create(&path, &limited(16 << 20, 16 << 20, 50)).unwrap();
    assert_eq!(place.manager.oom_kill_count(&path).unwrap(), 0);
    let eat = "head -c 200000000 /dev/zero | tail -c 200000000 >/dev/null";
    let mut child = place.run(&path, eat);
    child.wait().unwrap();
    assert!(place.manager.oom_kill_count(&path).unwrap() >= 1);
    assert!(place.manager.metrics(&path).unwrap().memory.oom_kills >= Some(1));
}

#[test]
fn sec_05_devices_are_denied_by_default() {
    let place = Place::new("devices");
    let path = place.path("one");
    let rule = |allow| LinuxDeviceCgroupBuilder::default().allow(allow);
    let null = rule(true).typ(LinuxDeviceType::C).major(1i64).minor(3i64).access("rwm").build().unwrap();
    let resources =
        LinuxResourcesBuilder::default().devices(vec![rule(false).access("rwm").build().unwrap(), null]);
    place.manager.create(&path, &resources.build().unwrap()).unwrap();
    let mut child = place.run(&path, "echo x >/dev/null && ! head -c1 /dev/zero && ! head -c1 /dev/urandom");
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_cannot_be_set_leaves_no_directories() {
    let place = Place::new("refused");
    let path = place.path("one");
    let mut bad = limited(1 << 20, 0, i64::MAX);
    assert!(place.manager.create(&path, &bad).is_err());
    assert!(place.manager.dirs(&path).unwrap().iter().all(|dir| !dir.exists()));
    let cpus = LinuxCpuBuilder::default().cpus("no list").build().unwrap();
    bad.set_cpu(Some(cpus));
    assert_eq!(place.manager.create(&path, &bad).unwrap_err().kind(), Kind::Invalid);
    for path in ["..", "/", "", "/berth/../x", "/cgroup.procs"] {
        assert_eq!(place.manager.create(path, &empty()).unwrap_err().kind(), Kind::Invalid, "{path:?}");
        assert_eq!(place.manager.remove(path).unwrap_err().kind(), Kind::Invalid, "{path:?}");
    }
}
