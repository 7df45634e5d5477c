//! Machines made of files.
use super::*;

fn machine(files: &[(&str, &str)]) -> NodeFacts {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    NodeFacts::below(root.path()).unwrap()
}

const BASE: [(&str, &str); 3] = [
    ("proc/self/status", "Name:\tberthd\nCapInh:\t0000000000000000\nCapBnd:\t000001fffeffffff\n"),
    ("proc/sys/kernel/osrelease", "6.12.3-cloud-amd64\n"),
    ("proc/sys/kernel/hostname", "node-7\n"),
];

#[test]
fn a_plain_machine_on_v2() {
    let files = [
        ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n"),
        ("proc/swaps", "Filename\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/x", ""),
        ("sys/kernel/mm/hugepages/hugepages-1048576kB/x", ""),
        ("sys/kernel/mm/hugepages/hugepages-64kB/x", ""),
        ("sys/module/apparmor/parameters/enabled", "Y\n"),
        ("sys/kernel/security/apparmor/profiles", ""),
        ("sys/devices/system/cpu/cpu0/thermal_throttle/x", ""),
        ("sys/devices/system/cpu/cpu10/thermal_throttle/x", ""),
        ("sys/devices/system/cpu/cpufreq/thermal_throttle/x", ""),
        ("proc/self/uid_map", "         0          0 4294967295\n"),
    ];
    let facts = machine(&[&BASE[..], &files].concat());
    assert_eq!(facts.bounding, CapabilitySet::ALL - CapabilitySet::by_name("SYS_RESOURCE").unwrap());
    assert!(facts.cgroup_v2 && facts.swap_limit && facts.apparmor && !facts.selinux);
    assert_eq!(facts.hugepage_sizes, ["64KB", "2MB", "1GB"]);
    assert_eq!((facts.kernel, facts.hostname.as_str(), facts.min_oom_score_adj), ((6, 12), "node-7", -1000));
    assert_eq!(facts.cpu_throttle_dirs.len(), 2);
}

#[test]
fn a_hybrid_machine_counts_as_v1() {
    let files = [
        ("sys/fs/cgroup/unified/cgroup.controllers", "\n"),
        ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n"),
        ("sys/module/apparmor/parameters/enabled", "N\n"),
        ("sys/kernel/mm/hugepages/hugepages-2048kB/x", ""),
    ];
    let facts = machine(&[&BASE[..], &files].concat());
    assert!(!facts.cgroup_v2 && !facts.swap_limit && !facts.apparmor);
    assert!(facts.hugepage_sizes.is_empty());
}

#[test]
fn in_a_user_namespace_scores_cannot_sink() {
    let files = [("proc/self/uid_map", "0 100000 65536\n"), ("proc/self/oom_score_adj", "-500\n")];
    assert_eq!(machine(&[&BASE[..], &files].concat()).min_oom_score_adj, -500);
}

#[test]
fn this_machine_can_be_looked_at() {
    let facts = NodeFacts::detect().unwrap();
    assert!(facts.kernel >= (5, 10), "{:?}", facts.kernel);
    assert!(!facts.hostname.is_empty());
    assert_ne!(facts.bounding, CapabilitySet::default());
}
