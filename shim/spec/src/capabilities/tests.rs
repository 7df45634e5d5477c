//! Capability lists, as kubelet and others write them.
use super::*;

fn request(add: &[&str], drop: &[&str], ambient: &[&str]) -> cri::Capability {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    cri::Capability {
        add_capabilities: list(add),
        drop_capabilities: list(drop),
        add_ambient_capabilities: list(ambient),
    }
}

fn given(add: &[&str], drop: &[&str], ambient: &[&str]) -> ProcessCapabilities {
    let default = CapabilitySet::COMPATIBLE;
    resolve(Some(&request(add, drop, ambient)), false, default, CapabilitySet::ALL).unwrap()
}

fn set(names: &[&str]) -> CapabilitySet {
    names.iter().fold(CapabilitySet::default(), |set, name| set | CapabilitySet::by_name(name).unwrap())
}

#[test]
fn the_compatible_set_is_the_peers_fourteen() {
    let names: Vec<_> = CapabilitySet::COMPATIBLE.names().collect();
    assert_eq!(
        names,
        [
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "SETGID",
            "SETUID",
            "SETPCAP",
            "NET_BIND_SERVICE",
            "NET_RAW",
            "SYS_CHROOT",
            "MKNOD",
            "AUDIT_WRITE",
            "SETFCAP",
        ]
    );
    assert_eq!(CapabilitySet::RESTRICTED.names().count(), 9);
    assert_eq!(CapabilitySet::ALL.names().count(), 41);
}

#[test]
fn names_come_in_every_spelling() {
    for name in ["NET_ADMIN", "CAP_NET_ADMIN", "net_admin", "cap_Net_Admin"] {
        assert_eq!(CapabilitySet::by_name(name), Some(CapabilitySet(1 << 12)), "{name}");
    }
    for name in ["", "CAP_", "NET ADMIN", "CAP_CAP_CHOWN", "41", "NET_ADMIN\n"] {
        assert_eq!(CapabilitySet::by_name(name), None, "{name:?}");
    }
}

#[test]
fn nothing_is_inheritable_or_ambient_unless_asked() {
    let plain = resolve(None, false, CapabilitySet::COMPATIBLE, CapabilitySet::ALL).unwrap();
    assert_eq!(plain.bounding, CapabilitySet::COMPATIBLE);
    assert_eq!((plain.inheritable, plain.ambient), Default::default());
    let all = given(&["ALL"], &[], &[]);
    assert_eq!((all.inheritable, all.ambient), Default::default());
}

#[test]
fn all_comes_first_then_adds_then_drops() {
    assert_eq!(given(&["NET_BIND_SERVICE"], &["ALL"], &[]).bounding, set(&["NET_BIND_SERVICE"]));
    assert_eq!(given(&["all"], &["SYS_ADMIN"], &[]).bounding, CapabilitySet::ALL - set(&["SYS_ADMIN"]));
    assert_eq!(given(&["ALL"], &["ALL"], &[]).bounding, CapabilitySet::default());
    assert_eq!(given(&["CHOWN"], &["CHOWN"], &[]).bounding, CapabilitySet::COMPATIBLE - set(&["CHOWN"]));
    assert_eq!(given(&[], &["ALL"], &[]).effective, CapabilitySet::default());
}

#[test]
fn ambient_ones_join_all_five_sets() {
    let caps = given(&[], &["ALL"], &["NET_RAW"]);
    for held in [caps.bounding, caps.effective, caps.permitted, caps.inheritable, caps.ambient] {
        assert_eq!(held, set(&["NET_RAW"]));
    }
    // A dropped one is not ambient either, or the kernel would refuse the whole set.
    let caps = given(&[], &["NET_RAW"], &["NET_RAW"]);
    assert_eq!(caps.ambient, CapabilitySet::default());
}

#[test]
fn nothing_exceeds_what_the_node_can_give() {
    let bounding = CapabilitySet::ALL - set(&["SYS_RESOURCE"]);
    let privileged = resolve(None, true, CapabilitySet::COMPATIBLE, bounding).unwrap();
    assert_eq!(privileged.effective, bounding);
    let asked = request(&["SYS_RESOURCE", "NET_ADMIN"], &["ALL"], &["SYS_RESOURCE"]);
    let caps = resolve(Some(&asked), false, CapabilitySet::COMPATIBLE, bounding).unwrap();
    assert_eq!(caps.bounding, set(&["NET_ADMIN"]));
    assert_eq!(caps.ambient, CapabilitySet::default());
}

#[test]
fn an_unknown_name_is_refused_wherever_it_stands() {
    for asked in [request(&["NOPE"], &[], &[]), request(&[], &["NOPE"], &[]), request(&[], &[], &["NOPE"])] {
        let error = resolve(Some(&asked), false, CapabilitySet::COMPATIBLE, CapabilitySet::ALL).unwrap_err();
        assert_eq!(error.kind(), crate::Kind::Invalid);
        assert!(error.to_string().contains("\"NOPE\""), "{error}");
    }
}
