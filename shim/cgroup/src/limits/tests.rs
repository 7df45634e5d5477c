use oci_spec::runtime::{
    LinuxCpuBuilder, LinuxDeviceCgroupBuilder, LinuxMemoryBuilder, LinuxPidsBuilder, LinuxResourcesBuilder,
};

use super::*;

fn resources() -> LinuxResources {
    LinuxResourcesBuilder::default()
        .cpu(
            LinuxCpuBuilder::default()
                .shares(512u64)
                .quota(50_000i64)
                .period(100_000u64)
                .cpus("0")
                .build()
                .unwrap(),
        )
        .memory(LinuxMemoryBuilder::default().limit(64i64 << 20).swap(96i64 << 20).build().unwrap())
        .pids(LinuxPidsBuilder::default().limit(100i64).build().unwrap())
        .build()
        .unwrap()
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
        "cpuset.cpus=0",
        "memory.limit_in_bytes=67108864",
        "memory.memsw.limit_in_bytes=100663296",
        "pids.max=100",
    ];
    assert_eq!(lines(&v1(&resources())), expected);
}

#[test]
fn v2_speaks_in_weights_and_swap_alone() {
    let expected = [
        "cpu.weight=20",
        "cpu.max=50000 100000",
        "cpuset.cpus=0",
        "memory.max=67108864",
        "memory.swap.max=33554432",
        "pids.max=100",
    ];
    assert_eq!(lines(&v2(&resources()).unwrap()), expected);
}

#[test]
fn weights_keep_their_ends_and_their_order() {
    assert_eq!(
        (weight(0), weight(2), weight(1024), weight(262_144), weight(u64::MAX)),
        (1, 1, 39, 10_000, 10_000)
    );
}

#[test]
fn an_unlimited_quota_is_max() {
    assert_eq!(cpu_max(Some(-1), Some(100_000)).unwrap(), "max 100000");
    assert_eq!(cpu_max(None, None), None);
}

#[test]
fn unified_keys_stay_in_the_directory() {
    for bad in [
        "../memory.max",
        "memory/max",
        "memory",
        ".hidden",
        "cgroup.procs",
        "cgroup.subtree_control",
        "a.b\n",
    ] {
        let unified = std::collections::HashMap::from([(bad.to_owned(), "1".to_owned())]);
        let resources = LinuxResourcesBuilder::default().unified(unified).build().unwrap();
        assert!(matches!(v2(&resources), Err(Error::Unified { .. })), "{bad:?}");
    }
    assert!(is_control_file("memory.oom.group"));
}

#[test]
fn device_rules_read_as_v1_wants_them() {
    let all = LinuxDeviceCgroupBuilder::default().allow(false).build().unwrap();
    let null = LinuxDeviceCgroupBuilder::default()
        .allow(true)
        .typ(LinuxDeviceType::C)
        .major(1i64)
        .minor(3i64)
        .access("rw")
        .build()
        .unwrap();
    let terminals = LinuxDeviceCgroupBuilder::default()
        .allow(true)
        .typ(LinuxDeviceType::C)
        .major(136i64)
        .access("rwm")
        .build()
        .unwrap();
    let expected = [(false, "a".to_owned()), (true, "c 1:3 rw".to_owned()), (true, "c 136:* rwm".to_owned())];
    assert_eq!(device_lines(&[all, null, terminals]), expected);
}
