//! Tables from OCI resources to control files.
use std::collections::HashMap;

use oci_spec::runtime::{
    LinuxCpuBuilder, LinuxHugepageLimitBuilder, LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResourcesBuilder,
};

use super::*;

fn resources() -> LinuxResources {
    let cpu = LinuxCpuBuilder::default().shares(512u64).quota(50_000i64).period(100_000u64).cpus("0-1");
    LinuxResourcesBuilder::default()
        .cpu(cpu.build().unwrap())
        .memory(LinuxMemoryBuilder::default().limit(64i64 << 20).swap(96i64 << 20).build().unwrap())
        .pids(LinuxPidsBuilder::default().limit(100i64).build().unwrap())
        .build()
        .unwrap()
}

fn memory(limit: i64, swap: i64) -> LinuxResources {
    let memory = LinuxMemoryBuilder::default().limit(limit).swap(swap).build().unwrap();
    LinuxResourcesBuilder::default().memory(memory).build().unwrap()
}

fn lines(settings: &[Setting]) -> Vec<String> {
    settings.iter().map(|setting| format!("{}={}", setting.file, setting.value)).collect()
}

#[test]
fn v1_speaks_in_shares_and_bytes() {
    let expected = [
        "cpu.shares=512",
        "cpu.cfs_period_us=100000",
        "cpu.cfs_quota_us=50000",
        "cpuset.cpus=0-1",
        "memory.limit_in_bytes=67108864",
        "memory.memsw.limit_in_bytes=100663296",
        "pids.max=100",
    ];
    assert_eq!(lines(&v1(&resources()).unwrap()), expected);
}

#[test]
fn v2_speaks_in_weights_and_swap_alone() {
    let expected = [
        "cpu.weight=59",
        "cpu.max=50000 100000",
        "cpuset.cpus=0-1",
        "memory.max=67108864",
        "memory.swap.max=33554432",
        "pids.max=100",
    ];
    assert_eq!(lines(&v2(&resources()).unwrap()), expected);
}

#[test]
fn swap_is_a_sum_in_oci_and_v1_and_alone_in_v2() {
    let cases: [(i64, i64, &[&str], &[&str]); 6] = [
        (0, 0, &[], &[]),
        (100, 0, &["memory.limit_in_bytes=100"], &["memory.max=100"]),
        (
            100,
            100,
            &["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
            &["memory.max=100", "memory.swap.max=0"],
        ),
        (
            100,
            -1,
            &["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=-1"],
            &["memory.max=100", "memory.swap.max=max"],
        ),
        (
            -1,
            0,
            &["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
            &["memory.max=max", "memory.swap.max=max"],
        ),
        (
            -1,
            50,
            &["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=50"],
            &["memory.max=max", "memory.swap.max=50"],
        ),
    ];
    for (limit, swap, old, new) in cases {
        assert_eq!(lines(&v1(&memory(limit, swap)).unwrap()), old, "{limit} {swap}");
        assert_eq!(lines(&v2(&memory(limit, swap)).unwrap()), new, "{limit} {swap}");
    }
    assert!(v1(&memory(100, 99)).is_err());
    assert!(v2(&memory(100, 99)).is_err());
    assert!(v2(&memory(0, 99)).is_err());
}

#[test]
fn weights_meet_the_ends_and_the_defaults_and_come_back() {
    assert_eq!([0, 2, 1024, 262_144, u64::MAX].map(cpu_weight), [1, 1, 100, 10_000, 10_000]);
    let mut last = 0;
    for shares in 2..=262_144 {
        let weight = cpu_weight(shares);
        assert!(weight == last || weight == last + 1, "{shares}: {last} then {weight}");
        last = weight;
    }
    for weight in 1..=10_000 {
        assert_eq!(cpu_weight(cpu_shares(weight)), weight);
    }
    assert_eq!(
        [0, 1, 100, 10_000, u64::MAX].map(cpu_shares),
        [2, 2, 1024, cpu_shares(10_000), cpu_shares(10_000)]
    );
}

#[test]
fn an_unlimited_quota_is_max() {
    assert_eq!(cpu_max(Some(-1), Some(100_000)).unwrap(), "max 100000");
    assert_eq!(cpu_max(Some(5000), None).unwrap(), "5000");
    assert_eq!(cpu_max(None, Some(5000)).unwrap(), "max 5000");
    assert_eq!(cpu_max(Some(0), Some(0)), None);
}

#[test]
fn lists_and_sizes_are_what_they_should_be() {
    let cpus = |cpus: &str| {
        let cpu = LinuxCpuBuilder::default().cpus(cpus).build().unwrap();
        let resources = LinuxResourcesBuilder::default().cpu(cpu).build().unwrap();
        (v1(&resources).is_ok(), v2(&resources).is_ok())
    };
    assert_eq!(cpus("0-3,8,10-30:2/4"), (true, true));
    for bad in ["all", "0\n", "0 1", "../x"] {
        assert_eq!(cpus(bad), (false, false), "{bad:?}");
    }
    let huge = |size: &str| {
        let huge = LinuxHugepageLimitBuilder::default().page_size(size).limit(4i64 << 20).build().unwrap();
        v2(&LinuxResourcesBuilder::default().hugepage_limits(vec![huge]).build().unwrap())
    };
    assert_eq!(lines(&huge("2MB").unwrap()), ["hugetlb.2MB.max=4194304", "hugetlb.2MB.rsvd.max=4194304"]);
    for bad in ["", "MB", "2", "2mb", "2MB/../x", "../../memory.max\0", "2 MB", "-2MB", "2XB"] {
        assert!(huge(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn unified_keys_stay_in_the_directory() {
    let unified = |key: &str, value: &str| {
        let unified = HashMap::from([(key.to_owned(), value.to_owned())]);
        LinuxResourcesBuilder::default().unified(unified).build().unwrap()
    };
    let bad = [
        "../memory.max",
        "memory/max",
        "memory",
        "memory.",
        "memory..x",
        ".hidden",
        "cgroup.procs",
        "cgroup.kill",
        "cgroup.subtree_control",
        "memory.max\n",
        "",
        "x.y",
        "memory.max\0",
    ];
    for key in bad {
        assert!(v2(&unified(key, "1")).is_err(), "{key:?}");
    }
    for value in ["1\n2", "1\0", "\u{e4}", &"1".repeat(5000)] {
        assert!(v2(&unified("memory.high", value)).is_err(), "{value:?}");
    }
    let good = v2(&unified("memory.oom.group", "1")).unwrap();
    assert_eq!(lines(&good), ["memory.oom.group=1"]);
    assert!(v2(&unified("io.max", "8:0 rbps=1000 wbps=max")).is_ok());
    assert!(v1(&unified("memory.high", "1")).is_err(), "v1 has no such files");
}
