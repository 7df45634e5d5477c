//! Looking at this machine's /dev.
use super::*;

#[test]
fn nodes_directories_and_other_things() {
    let Found::Node(null) = LiveHost.device(Path::new("/dev/null")).unwrap() else {
        panic!("/dev/null is no node")
    };
    assert_eq!((null.block, null.major, null.minor), (false, 1, 3));
    assert_eq!(LiveHost.device(Path::new("/etc/passwd")).unwrap(), Found::Other);
    assert_eq!(
        LiveHost.device(Path::new("/dev/no-such-device")).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("link")).unwrap();
    assert_eq!(LiveHost.device(dir.path()).unwrap(), Found::Directory(Vec::new()));
    // The path itself may be a link.
    let Found::Node(zero) = LiveHost.device(&dir.path().join("link")).unwrap() else {
        panic!("the link leads nowhere")
    };
    assert_eq!((zero.major, zero.minor), (1, 5));
}

#[test]
fn all_devices_leave_terminals_out() {
    let all = LiveHost.all_devices().unwrap();
    assert!(all.iter().any(|device| device.path == Path::new("/dev/null")));
    assert!(
        all.iter()
            .all(|device| !device.path.starts_with("/dev/pts") && device.path != Path::new("/dev/console"))
    );
}

#[test]
fn profiles_are_found_by_their_whole_name() {
    let list = "berth-default (enforce)\n/usr/bin/man (complain)\nodd (name) (enforce)\n";
    for (name, loaded) in
        [("berth-default", true), ("berth", false), ("/usr/bin/man", true), ("odd (name)", true), ("", false)]
    {
        assert_eq!(lists(list, name), loaded, "{name}");
    }
}
