use proto::monitor::Sysctl;
use sys::Errno;

use super::{dotted, relative, write_all};

#[test]
fn names_with_dots_and_with_slashes_are_paths() {
    assert_eq!(relative("net.ipv4.ip_forward").unwrap(), "net/ipv4/ip_forward");
    assert_eq!(relative("net/ipv4/conf/eth0.100/forwarding").unwrap(), "net/ipv4/conf/eth0.100/forwarding");
    for bad in ["", ".", "net..x", "/kernel/hostname", "net/../kernel", "net/./x", "kernel/"] {
        assert_eq!(relative(bad).unwrap_err().errno, Errno::EINVAL.0, "{bad:?}");
    }
}

#[test]
fn it_is_named_as_it_is_written_in_a_manifest() {
    assert_eq!(dotted("net/ipv4/ip_forward"), "net.ipv4.ip_forward");
    assert_eq!(dotted("net/ipv4/conf/eth0.100/forwarding"), "net.ipv4.conf.eth0/100.forwarding");
    assert_eq!(dotted("kernel.msgmax"), "kernel.msgmax");
}

#[test]
fn a_missing_parameter_is_named() {
    let refused =
        write_all(&[Sysctl { name: "kernel.no_such_thing".into(), value: "1".into() }]).unwrap_err();
    assert_eq!((refused.stage.as_str(), refused.errno), ("sysctl", Errno::ENOENT.0));
    assert!(refused.what.starts_with("kernel.no_such_thing = \"1\""), "{}", refused.what);
}
