//! Over directory trees of both layouts, written here.
use std::{fs, path::PathBuf};

use super::*;

struct Tree {
    root: PathBuf,
}

impl Tree {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("berth-cgroup-metrics-{name}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.root).unwrap();
    }
}

#[test]
fn v2_files_are_understood() {
    let tree = Tree::new("v2");
    let cpu = "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 1\nthrottled_usec 7\n";
    tree.write("pod/c/cpu.stat", cpu);
    tree.write("pod/c/cpu.max", "20000 100000\n");
    tree.write("pod/c/cpu.weight", "39\n");
    tree.write("pod/c/memory.current", "1000\n");
    tree.write("pod/c/memory.max", "4096\n");
    tree.write("pod/c/memory.swap.max", "0\n");
    tree.write("pod/c/memory.low", "0\n");
    tree.write(
        "pod/c/memory.stat",
        "anon 5\nfile 6\nkernel 7\nfile_mapped 8\ninactive_file 100\npgfault 9\n",
    );
    tree.write("pod/c/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n");
    tree.write("pod/c/pids.current", "12\n");
    tree.write("pod/c/pids.max", "max\n");
    tree.write("pod/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n");
    tree.write("pod/c/hugetlb.2MB.current", "4194304\n");
    tree.write("pod/c/hugetlb.2MB.rsvd.current", "1\n");
    tree.write(
        "pod/c/memory.pressure",
        "some avg10=1.50 avg60=0.20 avg300=0.03 total=99\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n",
    );
    let manager = Manager::over(Layout::V2(tree.root.clone()));
    assert_eq!(manager.swap_limit("/pod/c").unwrap(), Some(0));
    let read = manager.metrics("/pod/c").unwrap();
    assert_eq!((read.cpu.usage_ns, read.cpu.throttled_ns), (Some(30_000), Some(7_000)));
    assert_eq!((read.cpu.quota_us, read.cpu.period_us), (Some(20_000), Some(100_000)));
    assert_eq!((read.memory.working_set, read.memory.kernel), (Some(900), Some(7)));
    assert_eq!((read.memory.limit_hits, read.memory.oom_kills), (Some(3), Some(2)));
    assert_eq!((read.memory.swap_limit, read.memory.reservation), (Some(4096), None));
    assert_eq!(
        crate::cpu_weight(read.cpu.shares.unwrap()),
        39,
        "the shares told are those that give the weight"
    );
    // memory.peak is as young as Linux 5.19.
    assert_eq!(read.memory.max_usage, None);
    assert_eq!((read.tasks, read.tasks_limit), (Some(12), None));
    assert_eq!(read.block.first().map(|device| (device.reads, device.discard_bytes)), Some((3, 5)));
    assert_eq!(read.huge_pages, [HugePages { size: "2MB".into(), usage: 4 << 20, max_usage: None }]);
    let memory = read.pressure.memory.unwrap();
    assert_eq!((memory.some.avg10, memory.some.avg300, memory.full.total_us), (150, 3, 9));
    assert_eq!(read.pressure.cpu, None);
}

#[test]
fn v1_files_are_understood() {
    let tree = Tree::new("v1");
    tree.write("cpu/c/cpu.stat", "nr_periods 4\nnr_throttled 1\nthrottled_time 7\n");
    tree.write("cpu/c/cpu.cfs_quota_us", "-1\n");
    tree.write("cpu/c/cpuacct.usage", "30\n");
    tree.write("memory/c/memory.usage_in_bytes", "1000\n");
    tree.write("memory/c/memory.limit_in_bytes", "9223372036854771712\n");
    tree.write("memory/c/memory.stat", "pgfault 1\ntotal_pgfault 2\ntotal_inactive_file 100\n");
    tree.write("memory/c/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
    tree.write("unified/c/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=77\n");
    let at = |name: &str| tree.root.join(name);
    let layout = Layout::V1 {
        controllers: vec![("cpu,cpuacct".into(), at("cpu")), ("memory".into(), at("memory"))],
        unified: Some(at("unified")),
    };
    let manager = Manager::over(layout);
    let read = manager.metrics("/c").unwrap();
    assert_eq!((read.cpu.usage_ns, read.cpu.quota_us, read.cpu.periods), (Some(30), None, Some(4)));
    assert_eq!((read.memory.working_set, read.memory.limit), (Some(900), None));
    assert_eq!((read.memory.own_faults.any, read.memory.all_faults.any), (Some(1), Some(2)));
    assert_eq!(read.memory.oom_kills, Some(5));
    assert_eq!(read.pressure.cpu.map(|cpu| cpu.some.total_us), Some(77));
    assert_eq!((read.tasks, read.block.len(), read.huge_pages.len()), (None, 0, 0));
    assert!(manager.metrics("/gone").is_err() && manager.metrics("/c/../c").is_err());
}

#[test]
fn devices_of_v1_are_put_together_from_both_files() {
    let bytes = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 5\nTotal 35\n";
    let requests = "8:0 Read 1\n8:0 Write 2\nTotal 3\n";
    let devices = block::merge_v1(bytes, requests);
    let counted: Vec<_> = devices
        .iter()
        .map(|device| (device.minor, device.read_bytes, device.reads, device.write_bytes, device.writes))
        .collect();
    assert_eq!(counted, [(0, 10, 1, 20, 2), (16, 5, 0, 0, 0)]);
}

#[test]
fn hostile_lines_are_passed_over() {
    assert_eq!(block::line_v2("8:x rbytes=1"), None);
    assert_eq!(block::line_v2("8:0 rbytes=many =3").map(|device| device.read_bytes), Some(0));
    assert_eq!(pressure::parse("full total=1"), None);
    assert_eq!(pressure::parse("some total"), Some(Stall::default()));
}

#[test]
fn this_node_tells_what_a_live_group_uses() {
    let name = format!("/berth-test-metrics-{}", std::process::id());
    let manager = Manager::open(crate::Driver::Cgroupfs).unwrap();
    manager.create(&name, &oci_spec::runtime::LinuxResources::default()).unwrap();
    let read = manager.metrics(&name);
    manager.remove(&name).unwrap();
    let read = read.unwrap();
    assert!(read.cpu.usage_ns.is_some() && read.memory.usage.is_some() && read.memory.oom_kills.is_some());
}
