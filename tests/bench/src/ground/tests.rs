//! Directories in real hierarchies, made and taken away.
use super::*;
use crate::cgroupfs::hierarchies;

#[test]
fn privileged_groups_are_made_everywhere_and_leave_nothing() {
    let logs = tempfile::tempdir().unwrap();
    let parent = format!("/berth-bench-test-{}/run", std::process::id());
    let top = parent.trim_end_matches("/run");
    let all = hierarchies().unwrap();
    let ground = Ground::make(&parent, &logs.path().join("run"), "peer", &all).unwrap();
    let (group, log_directory) = ground.prepare("pod-1").unwrap();
    assert_eq!(group, format!("{parent}/peer/pod-1"));
    assert!(log_directory.join("main").is_dir());
    for hierarchy in &all {
        let group = hierarchy.group(&group);
        assert!(group.is_dir(), "{}", group.display());
        if hierarchy.has("cpuset") {
            assert_ne!(fs::read_to_string(group.join("cpuset.cpus")).unwrap().trim(), "");
        }
    }
    crate::cgroupfs::cpu_time(&ground.accounting_group().unwrap()).unwrap();

    ground.clear("pod-1");
    assert!(!log_directory.exists());
    let left = |path: &str| all.iter().filter(|hierarchy| hierarchy.group(path).exists()).count();
    assert_eq!(left(&group), 0);
    // One that the run did not get to clear.
    ground.prepare("pod-2").unwrap();
    ground.drop_all();
    assert_eq!(left(top), 0);
    assert_eq!(fs::read_dir(logs.path()).unwrap().count(), 0);
}

#[test]
fn slices_and_no_parent_are_handed_on() {
    let logs = tempfile::tempdir().unwrap();
    for parent in ["", "berth.slice"] {
        let ground = Ground::make(parent, logs.path(), "peer", &hierarchies().unwrap()).unwrap();
        assert_eq!(ground.prepare("pod").unwrap().0, parent);
        assert_eq!(ground.accounting_group(), None);
    }
}
