use std::{os::unix::process::CommandExt, process::Stdio};

use super::*;

#[test]
fn the_leader_and_its_children_end() {
    let mut shell = crate::process::command("/bin/sh");
    let mut child = shell
        .args(["-c", "sleep 60 & echo started; wait"])
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    std::io::Read::read_exact(&mut output, &mut [0; 8]).unwrap();
    let leader = i32::try_from(child.id()).unwrap();
    kill(leader).unwrap();
    // End of file: the grandchild had the pipe too.
    std::io::Read::read_to_end(&mut output, &mut Vec::new()).unwrap();
    kill(leader).unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn everybody_and_oneself_are_refused() {
    for bad in [0, 1, -1, -2] {
        assert_eq!(kill(bad).unwrap_err().errno, Errno::EINVAL, "{bad}");
    }
}
