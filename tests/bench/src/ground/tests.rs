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
fn privileged_a_second_endpoint_shares_the_directories_of_the_run() {
    let logs = tempfile::tempdir().unwrap();
    let parent = format!("/berth-bench-test-{}-two", std::process::id());
    let all = hierarchies().unwrap();
    let make = |name| Ground::make(&parent, &logs.path().join("run"), name, &all).unwrap();
    let (first, second) = (make("first"), make("second"));
    second.drop_all();
    assert!(all.iter().all(|hierarchy| hierarchy.group(&parent).join("first").is_dir()));
    first.drop_all();
    assert!(all.iter().all(|hierarchy| !hierarchy.group(&parent).exists()));
    assert_eq!(fs::read_dir(logs.path()).unwrap().count(), 0);
}

#[test]
fn privileged_what_a_killed_run_has_left_is_found_by_its_name() {
    let logs = tempfile::tempdir().unwrap();
    let parent = format!("/berth-bench-test-{}-clean", std::process::id());
    let all = hierarchies().unwrap();
    let keep = Ground::make(&parent, &logs.path().join("keep"), "other", &all).unwrap();
    let left = Ground::make(
        &format!("{parent}/{RUN_PREFIX}1-2"),
        &logs.path().join(format!("{RUN_PREFIX}1-2")),
        "peer",
        &all,
    );
    left.unwrap().prepare("pod").unwrap();
    clean(&parent, logs.path(), &all);
    for hierarchy in &all {
        let names = fs::read_dir(hierarchy.group(&parent)).unwrap().flatten().map(|entry| entry.file_name());
        let names: Vec<_> =
            names.filter(|name| name == "other" || name.to_string_lossy().contains(RUN_PREFIX)).collect();
        assert_eq!(names, ["other"]);
    }
    assert_eq!(fs::read_dir(logs.path()).unwrap().count(), 1);
    keep.drop_all();
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
