use super::*;

const NONE: fn() -> Option<String> = || None;

#[test]
fn fields_are_read() {
    assert_eq!(field("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n", "oom_kill"), 2);
    assert_eq!(field("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n", "oom"), 3);
    assert_eq!(field("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", "oom_kill"), 1);
    assert_eq!(field("oom_kill_disable 0\nunder_oom 0\n", "oom_kill"), 0);
}

#[test]
fn a_limit_met_only_below_is_not_the_containers() {
    let events = "oom 1\noom_kill 1\n";
    assert!(killed_v2(events, Some("oom 1\noom_kill 0\n"), NONE), "its own limit, a victim below");
    assert!(!killed_v2(events, Some("oom 0\noom_kill 0\n"), NONE), "the limit of a group below");
    assert!(killed_v2("oom 0\noom_kill 1\n", Some("oom 0\noom_kill 1\n"), NONE), "the pod's, or the node's");
    assert!(killed_v2(events, Some("oom 0\n"), || Some("oom 1\n".into())), "below, and the pod's too");
    assert!(!killed_v2("oom 1\noom_kill 0\n", Some("oom 1\n"), NONE), "nobody died");
    assert!(killed_v2(events, None, NONE), "an old kernel does not tell");
}

#[test]
fn v1_is_asked_group_by_group() {
    let root = std::env::temp_dir().join(format!("berth-monitor-oom-{}", std::process::id()));
    let group = root.join("pod/one");
    fs::create_dir_all(group.join("below")).unwrap();
    let write = |file: &str, text: &str| fs::write(group.join(file), text).unwrap();
    let dirs = [group.to_str().unwrap().to_owned()];
    write("memory.oom_control", "under_oom 0\noom_kill 0\n");
    write("memory.failcnt", "0\n");
    write("below/memory.oom_control", "under_oom 0\noom_kill 2\n");
    let by_the_limit_below = killed(&dirs);
    write("memory.memsw.failcnt", "7\n");
    let by_its_own = killed(&dirs);
    write("memory.memsw.failcnt", "0\n");
    write("memory.oom_control", "under_oom 0\noom_kill 1\n");
    let of_its_own = killed(&dirs);
    fs::remove_dir_all(&root).unwrap();
    assert_eq!((by_the_limit_below, by_its_own, of_its_own), (false, true, true));
}
