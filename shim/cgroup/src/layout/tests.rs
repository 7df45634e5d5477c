//! Mount tables of nodes.
use super::*;

const HYBRID: &str = "\
26 24 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
27 26 0:23 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
28 26 0:24 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
29 26 0:25 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
30 26 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

#[test]
fn a_hybrid_layout_limits_by_v1_and_joins_both() {
    let layout = Layout::parse(HYBRID).unwrap();
    assert_eq!(layout.root_of("cpuacct").unwrap(), PathBuf::from("/sys/fs/cgroup/cpu,cpuacct"));
    assert_eq!(layout.root_of("pids"), None);
    let roots = ["/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"];
    assert_eq!(layout.roots().collect::<Vec<_>>(), roots.map(Path::new));
    assert_eq!((layout.unified().unwrap(), layout.is_v2()), (Path::new("/sys/fs/cgroup/unified"), false));
}

#[test]
fn a_unified_layout_is_one_directory_for_all() {
    let layout = Layout::parse("30 26 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n").unwrap();
    assert_eq!(layout, Layout::V2("/sys/fs/cgroup".into()));
    assert_eq!(layout.root_of("memory").unwrap(), PathBuf::from("/sys/fs/cgroup"));
}

#[test]
fn no_hierarchy_is_none() {
    assert_eq!(Layout::parse("26 24 0:22 / / rw - ext4 /dev/vda rw\n"), None);
}

#[test]
fn a_hierarchy_that_is_mounted_twice_counts_once() {
    let twice = "\
28 26 0:24 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
48 26 0:24 / /mnt/elsewhere rw - cgroup cgroup rw,memory
49 26 0:26 / /mnt/a\\040b rw - cgroup2 none rw
50 26 0:26 / /mnt/c rw - cgroup2 none rw
";
    let Layout::V1 { controllers, unified } = Layout::parse(twice).unwrap() else { panic!("v1") };
    assert_eq!(controllers, [("memory".to_owned(), PathBuf::from("/sys/fs/cgroup/memory"))]);
    assert_eq!(unified.unwrap(), Path::new("/mnt/a b"));
}

#[test]
fn escapes_of_mountinfo() {
    for (text, path) in
        [("/a", "/a"), ("/a\\040b\\134", "/a b\\"), ("/a\\", "/a\\"), ("/a\\9", "/a\\9"), ("\\011", "\t")]
    {
        assert_eq!(unescape(text), Path::new(path));
    }
}
