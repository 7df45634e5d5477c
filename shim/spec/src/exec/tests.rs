//! Execs inherit everything but the command line.
use super::*;
use crate::Kind;

fn container() -> Process {
    Process {
        args: vec!["nginx".into()],
        env: vec![b"A=\xff".to_vec()],
        cwd: "/srv".into(),
        uid: 33,
        additional_gids: vec![33, 50],
        no_new_privileges: true,
        seccomp_filter: vec![1, 2, 3],
        ..Default::default()
    }
}

fn plan(cmd: &[&str], tty: bool) -> Result<ExecPlan> {
    let cmd: Vec<String> = cmd.iter().map(|arg| (*arg).to_owned()).collect();
    exec_plan(&container(), &Exec { container_id: "c", cmd: &cmd, tty })
}

#[test]
fn all_but_the_command_is_the_containers() {
    let made = plan(&["id", "-u"], false).unwrap().process.unwrap();
    assert_eq!(made, Process { args: vec!["id".into(), "-u".into()], ..container() });
}

#[test]
fn a_terminal_needs_a_name() {
    let made = plan(&["sh"], true).unwrap().process.unwrap();
    assert!(made.terminal);
    assert_eq!(made.env, [b"A=\xff".to_vec(), b"TERM=xterm".to_vec()]);
}

#[test]
fn commands_are_checked() {
    for cmd in [&[][..], &[""], &["a\0"]] {
        assert_eq!(plan(cmd, false).unwrap_err().kind(), Kind::Invalid);
    }
}
