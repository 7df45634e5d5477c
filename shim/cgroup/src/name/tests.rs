//! SEC-18: a path names a group below the root and nothing else.
use std::path::Path;

use super::relative;

#[test]
fn sec_18_no_component_climbs() {
    for path in ["..", "../../../victim", "a/../b", "/a/./b", "a/..", "", "/", "///"] {
        assert!(relative(path).is_err(), "{path:?}");
    }
}

#[test]
fn sec_18_names_are_plain() {
    for path in ["a b", "a\nb", "a\0b", "ä", "a*", "$(x)", "a;b", "a\u{202e}", "/x/a\tb"] {
        assert!(relative(path).is_err(), "{path:?}");
    }
    for path in ["cgroup.procs", "a/memory.max", "pids.max/b", "tasks", "x/release_agent"] {
        assert!(relative(path).is_err(), "{path:?}");
    }
    assert!(relative(&"n".repeat(256)).is_err());
    assert!(relative(&"n".repeat(255)).is_ok());
    assert!(relative(&"n/".repeat(2000)).is_err());
}

#[test]
fn names_of_kubelet_and_systemd_pass() {
    let path = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-berth:x@0.scope";
    assert_eq!(relative(path).unwrap(), Path::new(&path[1..]));
    assert_eq!(relative("//berth///ab\\x2dc/").unwrap(), Path::new("berth/ab\\x2dc"));
}
