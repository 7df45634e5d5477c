use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use super::{Executable, SpawnArgs, command, spawn};
use crate::{
    Errno, io, memfd,
    pidfd::{self, Exit},
};

fn run(executable: Executable<'_>, script: &std::ffi::CStr, fds: &[(BorrowedFd<'_>, i32)]) -> (Exit, String) {
    let (reader, writer) = io::pipe().unwrap();
    let mut all = fds.to_vec();
    all.push((writer.as_fd(), 1));
    let argv = [c"sh", c"-c", script];
    let child =
        spawn(&SpawnArgs { executable, argv: &argv, env: &[c"A=b"], fds: &all, setsid: true }).unwrap();
    drop(writer);
    let mut text = String::new();
    File::from(reader).read_to_string(&mut text).unwrap();
    (pidfd::wait(&child.pidfd).unwrap(), text)
}

#[test]
fn descriptors_land_where_asked_and_nothing_else_does() {
    let one = memfd::sealed("one", b"first").unwrap();
    let two = memfd::sealed("two", b"second").unwrap();
    // Crossing numbers: each source may sit on the other's target.
    let fds = [(one.as_fd(), 4), (two.as_fd(), 3)];
    let script = c"cat <&3; cat <&4; cd /proc/self/fd; for n in *; do [ -e $n ] && echo $n; done; exit 3";
    let (exit, text) = run(Executable::Path(c"/bin/sh"), script, &fds);
    assert_eq!(exit, Exit::Code(3));
    assert_eq!(text, "secondfirst0\n1\n2\n3\n4\n");
}

#[test]
fn a_sealed_copy_runs_in_its_own_session_with_the_given_environment() {
    let shell = memfd::sealed_executable("sh", &std::fs::read("/bin/sh").unwrap()).unwrap();
    let script = c"echo $A; ps=$(cat /proc/$$/stat); set -- $ps; [ $1 = $6 ] && echo leader; kill -9 $$";
    let (exit, text) = run(Executable::Fd(shell.as_fd()), script, &[]);
    assert_eq!(text, "b\nleader\n");
    assert_eq!(exit, Exit::Signal(9));
    assert_eq!(exit.shell_code(), 137);
}

#[test]
fn a_missing_program_is_an_error_here() {
    let args = SpawnArgs {
        executable: Executable::Path(c"/no/such"),
        argv: &[c"x"],
        env: &[],
        fds: &[],
        setsid: false,
    };
    assert_eq!(spawn(&args).unwrap_err().errno, Errno::ENOENT);
}

#[test]
fn a_command_inherits_nothing() {
    let leak = File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let output = command("/bin/sh").args(["-c", "pwd; env; ls /proc/$$/fd | wc -l"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("/\nPWD=/\n"), "{text}");
    assert!(text.ends_with("\n3\n"), "{text}");
    drop(OwnedFd::from(leak));
}
