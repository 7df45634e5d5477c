use std::ffi::CString;

use proto::monitor::Process;

use super::Arguments;

fn process(args: &[&str], env: &[&str]) -> Process {
    Process {
        args: args.iter().map(|&arg| arg.into()).collect(),
        env: env.iter().map(|entry| entry.as_bytes().to_vec()).collect(),
        ..Process::default()
    }
}

fn candidates(args: &[&str], env: &[&str]) -> Vec<CString> {
    Arguments::of(&process(args, env)).unwrap().candidates
}

#[test]
fn a_bare_name_is_looked_for_in_the_containers_path() {
    assert_eq!(
        candidates(&["sh", "-c"], &["A=b", "PATH=/x::/y"]),
        [c"/x/sh".into(), c"/y/sh".into()] as [CString; 2]
    );
    assert_eq!(candidates(&["/sh"], &["PATH=/x"]), [CString::from(c"/sh")]);
    assert_eq!(candidates(&["./sh"], &[]), [CString::from(c"./sh")]);
    assert_eq!(candidates(&["sh"], &[]).len(), 6);
    assert!(candidates(&[""], &[]).is_empty());
}

#[test]
fn nul_bytes_and_an_empty_command_are_refused() {
    assert_eq!(Arguments::of(&process(&[], &[])).unwrap_err().stage, "exec");
    assert_eq!(Arguments::of(&process(&["a\0b"], &[])).unwrap_err().stage, "exec");
    assert_eq!(Arguments::of(&process(&["a"], &["X=\0"])).unwrap_err().stage, "exec");
}
