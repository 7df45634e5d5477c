//! Device nodes and rules.
use super::*;
use crate::{
    Kind,
    testing::{Case, device},
};

fn ask(host_path: &str, container_path: &str, permissions: &str) -> cri::Device {
    cri::Device {
        host_path: host_path.into(),
        container_path: container_path.into(),
        permissions: permissions.into(),
    }
}

fn case(asked: &[cri::Device]) -> Case {
    let mut case = Case::default();
    let fuse = device("/dev/fuse", 10, 229, 0o100_666);
    case.host.found.insert("/dev/fuse".into(), Found::Node(fuse));
    let disk = HostDevice { block: true, gid: 6, ..device("/dev/sda", 8, 0, 0o660) };
    case.host.found.insert("/dev/sda".into(), Found::Node(disk));
    let snd = vec![device("/dev/snd/timer", 116, 33, 0o660), device("/dev/snd/by-path/x", 116, 7, 0o660)];
    case.host.found.insert("/dev/snd".into(), Found::Directory(snd));
    case.host.found.insert("/dev/empty".into(), Found::Directory(Vec::new()));
    case.host.found.insert("/etc/passwd".into(), Found::Other);
    case.container.devices = asked.to_vec();
    case
}

fn rules(devices: &Devices) -> Vec<String> {
    devices.rules.iter().map(|rule| format!("{}{rule}", if rule.allow() { "+" } else { "-" })).collect()
}

#[test]
fn everything_is_denied_first() {
    let plain = devices(&case(&[]).input(), false).unwrap();
    assert!(plain.nodes.is_empty());
    assert_eq!(
        rules(&plain),
        [
            "-a *:* rwm",
            "+c 1:3 rwm",
            "+c 1:5 rwm",
            "+c 1:7 rwm",
            "+c 1:8 rwm",
            "+c 1:9 rwm",
            "+c 5:0 rwm",
            "+c 5:1 rwm",
            "+c 5:2 rwm",
            "+c 136:* rwm",
        ]
    );
}

#[test]
fn asked_devices_get_a_node_and_a_rule() {
    let case = case(&[
        ask("/dev/fuse", "", ""),
        ask("/dev/sda", "/dev//xvda", "r"),
        ask("/dev/snd", "/dev/snd", "rw"),
    ]);
    let made = devices(&case.input(), false).unwrap();
    let nodes: Vec<_> = made.nodes.iter().map(|node| node.path().display().to_string()).collect();
    assert_eq!(nodes, ["/dev/fuse", "/dev/xvda", "/dev/snd/timer", "/dev/snd/by-path/x"]);
    assert_eq!(made.nodes[0].file_mode(), Some(0o666));
    assert_eq!((made.nodes[1].typ(), made.nodes[1].gid()), (LinuxDeviceType::B, Some(6)));
    assert_eq!(rules(&made)[10..], ["+c 10:229 rwm", "+b 8:0 r", "+c 116:33 rw", "+c 116:7 rw"]);
}

#[test]
fn privileged_means_every_device() {
    let mut case = case(&[ask("/dev/sda", "/dev/kvm", "")]);
    case.host.found.insert("/dev/null".into(), Found::Node(device("/dev/null", 1, 3, 0o666)));
    case.container.devices.push(ask("/dev/null", "", ""));
    let made = devices(&case.input(), true).unwrap();
    assert_eq!(rules(&made)[..2], ["-a *:* rwm", "+a *:* rwm"]);
    let nodes: Vec<_> =
        made.nodes.iter().map(|node| (node.path().display().to_string(), node.major())).collect();
    // What is asked for wins over what is found there; the default nodes need no entry.
    assert_eq!(nodes, [("/dev/fuse".to_owned(), 10), ("/dev/kvm".to_owned(), 8)]);
}

#[test]
fn impossible_devices_are_refused() {
    for (asked, kind) in [
        (ask("/dev/none", "/dev/x", "rwm"), Kind::NotFound),
        (ask("/dev/empty", "/dev/x", "rwm"), Kind::Invalid),
        (ask("/etc/passwd", "/dev/x", "rwm"), Kind::Invalid),
        (ask("dev/fuse", "/dev/x", "rwm"), Kind::Invalid),
        (ask("", "/dev/x", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "x", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "/", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "/dev/", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "/proc/x", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "/dev/../x", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "/dev/a\nb", "rwm"), Kind::Invalid),
        (ask("/dev/fuse", "", "rwx"), Kind::Invalid),
        (ask("/dev/fuse", "", "rwmr"), Kind::Invalid),
    ] {
        assert_eq!(
            devices(&case(std::slice::from_ref(&asked)).input(), false).unwrap_err().kind(),
            kind,
            "{asked:?}"
        );
    }
}
