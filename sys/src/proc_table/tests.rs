//! Tests of finding processes by name and argument.
use std::process::Child;

use super::{Named, parent};

fn shell(script: &str) -> Child {
    use std::os::unix::process::CommandExt;
    let mut shell = crate::process::command("/bin/sh");
    shell.arg0("berth-test").args(["-c", script]).stdin(std::process::Stdio::piped()).spawn().unwrap()
}

#[test]
fn of_a_process_and_its_forks_the_eldest_is_found() {
    // The subshell executes nothing, so it shows the arguments of its parent.
    let mut eldest = shell("exec 3<&0; (read none <&3; exit) & wait");
    let own = i32::try_from(eldest.id()).unwrap();
    let forked = || {
        let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
        children.split_whitespace().next().and_then(|pid| pid.parse().ok())
    };
    let child: i32 = std::iter::repeat_with(forked).find_map(|child| child).unwrap();
    let found = Named::scan("berth-test").unwrap();
    let parent = parent(child);
    // Its input ends, and with it the fork and then the eldest.
    eldest.wait().unwrap();
    assert_eq!(parent, Some(own));
    assert_eq!(found.pid_of("-c"), Some(own));
}

#[test]
fn a_process_has_a_parent() {
    let own = i32::try_from(std::process::id()).unwrap();
    assert!(parent(own).is_some_and(|parent| parent >= 0));
    assert_eq!(parent(-1), None);
}
