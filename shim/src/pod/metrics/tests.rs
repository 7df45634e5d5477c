use std::collections::HashSet;

use super::*;

/// What critest demands and dashboards written for cAdvisor query.
const DEMANDED: &str = "
    blkio_device_usage_total
    cpu_cfs_periods_total cpu_cfs_throttled_periods_total cpu_cfs_throttled_seconds_total
    cpu_system_seconds_total cpu_usage_seconds_total cpu_user_seconds_total
    file_descriptors
    fs_inodes_free fs_inodes_total fs_limit_bytes fs_usage_bytes
    fs_reads_bytes_total fs_reads_total fs_writes_bytes_total fs_writes_total
    hugetlb_max_usage_bytes hugetlb_usage_bytes last_seen
    memory_cache memory_failcnt memory_failures_total memory_kernel_usage memory_mapped_file
    memory_max_usage_bytes memory_rss memory_swap memory_usage_bytes memory_working_set_bytes
    network_receive_bytes_total network_receive_errors_total
    network_receive_packets_dropped_total network_receive_packets_total
    network_transmit_bytes_total network_transmit_errors_total
    network_transmit_packets_dropped_total network_transmit_packets_total
    oom_events_total
    pressure_cpu_stalled_seconds_total pressure_cpu_waiting_seconds_total
    pressure_io_stalled_seconds_total pressure_io_waiting_seconds_total
    pressure_memory_stalled_seconds_total pressure_memory_waiting_seconds_total
    processes sockets
    spec_cpu_period spec_cpu_quota spec_cpu_shares
    spec_memory_limit_bytes spec_memory_reservation_limit_bytes spec_memory_swap_limit_bytes
    start_time_seconds threads threads_max ulimits_soft";

#[test]
fn the_table_has_every_metric_demanded_and_each_once() {
    let demanded: HashSet<String> =
        DEMANDED.split_whitespace().map(|name| format!("container_{name}")).collect();
    let descriptors = descriptors();
    let had: HashSet<String> = descriptors.iter().map(|descriptor| descriptor.name.clone()).collect();
    assert_eq!(demanded.len(), 56);
    assert_eq!(had, demanded);
    assert_eq!(had.len(), descriptors.len());
    assert!(descriptors.iter().all(|descriptor| !descriptor.help.is_empty()));
}

fn stalled() -> Option<cgroup::metrics::Stall> {
    Some(cgroup::metrics::Stall::default())
}

/// A reading in which nothing is absent.
fn everything() -> cgroup::metrics::Metrics {
    let some = Some(1_600_000_000);
    let faults = cgroup::metrics::Faults { any: some, major: some };
    cgroup::metrics::Metrics {
        cpu: cgroup::metrics::CpuMetrics {
            usage_ns: some,
            user_ns: some,
            system_ns: some,
            periods: some,
            throttled_periods: some,
            throttled_ns: some,
            quota_us: some,
            period_us: some,
            shares: some,
        },
        memory: cgroup::metrics::MemoryMetrics {
            usage: some,
            max_usage: some,
            working_set: some,
            cache: some,
            rss: some,
            mapped_file: some,
            swap: some,
            kernel: some,
            limit_hits: some,
            oom_kills: some,
            limit: some,
            reservation: some,
            swap_limit: some,
            own_faults: faults,
            all_faults: faults,
        },
        tasks: some,
        tasks_limit: some,
        block: vec![
            cgroup::metrics::BlockDevice { major: 8, ..Default::default() },
            cgroup::metrics::BlockDevice { major: 9, ..Default::default() },
        ],
        huge_pages: ["2MB", "1GB"]
            .map(|size| cgroup::metrics::HugePages { size: size.into(), usage: 0, max_usage: Some(0) })
            .into(),
        pressure: cgroup::metrics::Pressure { cpu: stalled(), memory: stalled(), io: stalled() },
    }
}

fn samples_of_everything() -> Vec<cri::Metric> {
    let pod = record::Pod { id: "p".into(), cgroup_parent: "/pod".into(), ..Default::default() };
    let mut samples = Samples::of(subject(&pod, None));
    let read = everything();
    add_group(&mut samples, &read);
    disk::add_traffic(&mut samples, &read.block);
    let own = i32::try_from(std::process::id()).unwrap();
    processes::add(&mut samples, &read, &[own], own);
    let names = ["eth0", "net1"];
    let interfaces = names.map(|name| interfaces::Interface { name: name.into(), ..Default::default() });
    network::add(&mut samples, &interfaces);
    let disk = LayerDisk::of(std::path::Path::new("/")).unwrap();
    disk::add_layer(&mut samples, &disk, 7, 5);
    add_times(&mut samples, 1);
    samples.finish()
}

#[test]
fn every_metric_has_samples_with_a_value_for_each_label() {
    let samples = samples_of_everything();
    for descriptor in descriptors() {
        let mut of = samples.iter().filter(|sample| sample.name == descriptor.name).peekable();
        assert!(of.peek().is_some(), "{} has no sample", descriptor.name);
        for sample in of {
            assert_eq!(sample.label_values.len(), descriptor.label_keys.len(), "{}", descriptor.name);
            assert!(sample.value.is_some());
        }
    }
}

#[test]
fn no_two_samples_have_the_same_name_and_labels() {
    let samples = samples_of_everything();
    let keys: HashSet<_> = samples.iter().map(|sample| (&sample.name, &sample.label_values)).collect();
    assert_eq!(keys.len(), samples.len());
}

#[test]
fn seconds_are_rounded_and_only_cached_values_have_a_time() {
    let samples = samples_of_everything();
    let of = |name: &str| samples.iter().find(|sample| sample.name == name).unwrap();
    let usage = of("container_cpu_usage_seconds_total");
    assert_eq!(usage.value.as_ref().map(|value| value.value), Some(2));
    assert_eq!(usage.metric_type(), cri::MetricType::Counter);
    assert_eq!((usage.timestamp, of("container_fs_usage_bytes").timestamp), (0, 5));
}

#[test]
fn labels_are_those_of_cadvisor() {
    let metadata =
        cri::PodSandboxMetadata { name: "web-0".into(), namespace: "shop".into(), ..Default::default() };
    let pod = record::Pod {
        id: "pid".into(),
        cgroup_parent: "/kubepods/pod1".into(),
        config: Some(cri::PodSandboxConfig { metadata: Some(metadata), ..Default::default() }),
        ..Default::default()
    };
    let container = record::Container {
        id: "cid".into(),
        cgroup_path: "/kubepods/pod1/cid".into(),
        config: Some(cri::ContainerConfig {
            metadata: Some(cri::ContainerMetadata { name: "app".into(), attempt: 0 }),
            image: Some(cri::ImageSpec {
                image: "sha256:1".into(),
                user_specified_image: "nginx:1".into(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(subject(&pod, None).labels, ["", "/kubepods/pod1", "", "pid", "shop", "web-0"]);
    let labels = subject(&pod, Some(&container)).labels;
    assert_eq!(labels, ["app", "/kubepods/pod1/cid", "nginx:1", "cid", "shop", "web-0"]);
}

#[test]
fn device_numbers_and_mount_sources_are_read() {
    assert_eq!(disk::numbers_of(0xfe00), "254:0");
    assert_eq!(disk::numbers_of(0x0010_0801), "8:257");
    let line = "36 35 0:33 /sub /mnt rw,noatime shared:1 - btrfs /dev/sdb1 rw,ssd";
    assert_eq!(disk::source_of(line, "0:33").as_deref(), Some("/dev/sdb1"));
    assert_eq!(disk::source_of(line, "0:34"), None);
}

#[test]
fn descriptors_and_limits_of_a_process_are_counted() {
    let own = i32::try_from(std::process::id()).unwrap();
    let _socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
    let found = processes::descriptors(&[own, i32::MAX]);
    assert!(found.all > found.sockets && found.sockets >= 1, "{found:?}");
    let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                Max open files            1024                 4096                 files     \n\
                Max locked memory         unlimited            unlimited            bytes     \n";
    assert_eq!(processes::soft_limit(text, "Max open files"), Some(1024));
    assert_eq!(processes::soft_limit(text, "Max locked memory"), None);
}
