use super::*;

#[test]
fn ids_are_hexadecimal() {
    let id = AttachmentId::parse("0123456789abcdef").unwrap();
    assert_eq!(host_interface(&id), "bv0123456789ab");
    assert!(is_host_interface("bv0123456789ab"));
    for bad in ["", "0123456789a", "0123456789AB", "0123456789ag", "../456789abcd", &"a".repeat(65)] {
        assert!(AttachmentId::parse(bad).is_err(), "{bad}");
    }
    for foreign in ["bv", "bv0123456789a", "bv0123456789abc", "bx0123456789ab", "bvond0000000x"] {
        assert!(!is_host_interface(foreign), "{foreign}");
    }
}

#[test]
fn interface_names_are_what_the_kernel_takes() {
    for good in ["eth0", "a", "berth0", "br-0123456789ab", "x.100"] {
        assert!(IfName::parse(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "a/b", "a b", "a:b", "veth%d", "0123456789abcdef", "é", "a\n", "a\0"] {
        assert!(IfName::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn network_names_cannot_leave_a_directory() {
    for good in ["kit", "10-net", "a_b.c-d"] {
        assert!(NetworkName::parse(good).is_ok(), "{good}");
    }
    for bad in ["", ".", "..", "-a", "_a", "a/b", "a b", "../x", "a\0", "a\n", &"a".repeat(129)] {
        assert!(NetworkName::parse(bad).is_err(), "{bad}");
    }
}
