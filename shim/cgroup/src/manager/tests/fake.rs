//! v2 on a plain directory tree: which files are written, in which directories, with what.
use std::collections::HashMap;

use super::*;

struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("berth-cgroup-fake-{name}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }

    /// Control files, as the kernel would put them into a directory.
    fn plant(&self, dir: &str, files: &[(&str, &str)]) {
        let dir = self.0.join(dir);
        fs::create_dir_all(&dir).unwrap();
        files.iter().for_each(|(file, text)| fs::write(dir.join(file), text).unwrap());
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn manager(&self) -> Manager {
        Manager::over(Layout::V2(self.0.clone()))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

const CONTROLLERS: (&str, &str) = ("cgroup.controllers", "cpuset cpu io memory pids");

#[test]
fn controllers_are_handed_down_on_the_way() {
    let tree = Tree::new("hand-down");
    tree.plant("", &[CONTROLLERS, ("cgroup.subtree_control", "memory pids cpu")]);
    tree.plant("kubepods", &[CONTROLLERS, ("cgroup.subtree_control", "")]);
    tree.plant("kubepods/pod", &[("cgroup.controllers", "")]);
    make::hand_down_controllers(&tree.0, Path::new("kubepods/pod"));
    assert_eq!(tree.read("cgroup.subtree_control"), "+cpuset +io cpu", "what was lacking, over the old text");
    assert_eq!(tree.read("kubepods/cgroup.subtree_control"), "+cpu +cpuset +io +memory +pids");
    // Once the leaf has them nothing is written any more.
    tree.plant("kubepods", &[("cgroup.subtree_control", "")]);
    tree.plant("kubepods/pod", &[CONTROLLERS]);
    make::hand_down_controllers(&tree.0, Path::new("kubepods/pod"));
    assert_eq!(tree.read("kubepods/cgroup.subtree_control"), "");
}

#[test]
fn limits_land_in_their_files() {
    let tree = Tree::new("limits");
    tree.plant("", &[CONTROLLERS]);
    let files = [
        "cpu.weight",
        "cpu.max",
        "cpuset.cpus",
        "memory.max",
        "memory.swap.max",
        "pids.max",
        "memory.oom.group",
    ];
    tree.plant("one", &[CONTROLLERS]);
    tree.plant("one", &files.map(|file| (file, "")));
    let mut resources = limited(64 << 20, 64 << 20, 7);
    resources.set_cpu(Some(
        LinuxCpuBuilder::default().shares(1024u64).quota(-1i64).period(50_000u64).cpus("0").build().unwrap(),
    ));
    resources.set_unified(Some(HashMap::from([("memory.oom.group".to_owned(), "1".to_owned())])));
    let made = tree.manager().create("/one", &resources).unwrap();
    assert_eq!(made.dirs, [tree.0.join("one")]);
    let written = files.map(|file| tree.read(&format!("one/{file}")));
    assert_eq!(written, ["100", "max 50000", "0", "67108864", "0", "7", "1"]);
}

#[test]
fn an_update_that_fails_halfway_is_taken_back() {
    let tree = Tree::new("rollback");
    tree.plant("one", &[("memory.max", "1048576"), ("memory.swap.max", "max")]);
    // There is no pids.max.
    let error = tree.manager().update("one", &limited(2 << 20, 2 << 20, 7)).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.to_string().contains("pids.max"), "{error}");
    assert_eq!(tree.read("one/memory.max"), "1048576");
    assert_eq!(tree.read("one/memory.swap.max"), "max");
}

#[test]
fn statistics_are_read_from_their_files() {
    let tree = Tree::new("stats");
    let stat =
        "anon 10\nfile 20\nkernel 5\nfile_mapped 6\ninactive_file 15\npgfault 7\npgmajfault 8\nzswap 0\n";
    let cpu = "usage_usec 3\nuser_usec 2\nsystem_usec 1\nnr_periods 9\nnr_throttled 4\nthrottled_usec 6\n";
    let files = [
        ("cpu.stat", cpu),
        ("memory.stat", stat),
        ("memory.current", "100\n"),
        ("memory.max", "max\n"),
        ("memory.swap.current", "3\n"),
        ("memory.events", "low 0\nhigh 0\nmax 11\noom 2\noom_kill 1\n"),
        ("pids.current", "4\n"),
    ];
    tree.plant("one", &files);
    let manager = tree.manager();
    let usual = manager.stats("/one").unwrap();
    assert_eq!(
        (usual.cpu.usage_ns, usual.memory.usage_bytes, usual.memory.working_set_bytes),
        (3000, 100, 85)
    );
    assert_eq!((usual.memory.rss_bytes, usual.memory.limit_bytes, usual.memory.swap_bytes), (10, None, 3));
    assert_eq!((usual.memory.page_faults, usual.memory.major_page_faults, usual.pids.current), (7, 8, 4));
    assert_eq!(manager.oom_kill_count("/one").unwrap(), 1);
    assert_eq!(manager.stats("/none").unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn kill_and_freeze_write_one_word() {
    let tree = Tree::new("words");
    tree.plant(
        "one",
        &[("cgroup.kill", ""), ("cgroup.freeze", ""), ("cgroup.events", "populated 1\nfrozen 1\n")],
    );
    let manager = tree.manager();
    manager.kill("/one").unwrap();
    assert_eq!(tree.read("one/cgroup.kill"), "1");
    manager.freeze("/one").unwrap();
    assert_eq!(tree.read("one/cgroup.freeze"), "1");
    manager.thaw("/one").unwrap();
    assert_eq!(tree.read("one/cgroup.freeze"), "0");
}
