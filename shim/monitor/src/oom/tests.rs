use super::count;

#[test]
fn both_formats_are_read() {
    assert_eq!(count("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n"), 2);
    assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1);
    assert_eq!(count("oom_kill_disable 0\nunder_oom 0\n"), 0);
}
