//! A hybrid machine, a unified one, and groups as files.
use super::*;

const HYBRID: &str = "\
30 25 0:26 / /sys rw - sysfs sysfs rw
31 30 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw
32 31 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw
33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct
34 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
35 31 0:30 /docker/x /mnt/part rw - cgroup cgroup rw,name=systemd
";

#[test]
fn a_hybrid_machine_counts_in_v1() {
    let all = parse_mountinfo(HYBRID);
    assert_eq!(all.len(), 3);
    let found = accounting(&all).unwrap();
    assert_eq!(found.mount, Path::new("/sys/fs/cgroup/cpu,cpuacct"));
    let place = place_of(found, "4:cpu,cpuacct:/a/b\n1:name=systemd:/c\n0::/d\n");
    assert_eq!(place, Some("/a/b"));
    assert_eq!(found.group("/a/b"), Path::new("/sys/fs/cgroup/cpu,cpuacct/a/b"));
}

#[test]
fn a_unified_machine_counts_in_v2() {
    let all = parse_mountinfo("32 31 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n");
    let found = accounting(&all).unwrap();
    assert_eq!(place_of(found, "0::/system.slice/x.service\n"), Some("/system.slice/x.service"));
}

#[test]
fn cpu_time_in_either_version() {
    let dir = tempfile::tempdir().unwrap();
    assert!(cpu_time(dir.path()).is_err());
    fs::write(dir.path().join("cpu.stat"), "usage_usec 1500\nuser_usec 1000\n").unwrap();
    assert_eq!(cpu_time(dir.path()).unwrap(), Duration::from_micros(1500));
    fs::write(dir.path().join("cpuacct.usage"), "2500\n").unwrap();
    assert_eq!(cpu_time(dir.path()).unwrap(), Duration::from_nanos(2500));
}
