//! Texts as kernels print them.
use super::*;

#[test]
fn oom_kills_are_read() {
    assert_eq!(oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"), 3);
    assert_eq!(oom_kills("oom_kill_disable 0\n"), 0);
}
