//! Extended attributes: IMG-08.

use crate::{
    archive::Tar,
    scene::{Scene, assert_refused},
};

#[test]
fn img_08_attributes_of_users_are_kept() {
    let scene = Scene::new();
    let records: &[(&str, &[u8])] = &[("SCHILY.xattr.user.a", b"1\n2"), ("SCHILY.xattr.user.empty", b"")];
    let tar = Tar::new().pax(records).file("f", "x").pax(records).dir("d").pax(records).symlink("s", "f");
    scene.apply(&tar.pax(records).device(b'6', "p", 0, 0).end()).unwrap();
    assert!(scene.describe("f").ends_with("user.a=1\\n2 user.empty="));
    assert!(scene.describe("d").ends_with("user.a=1\\n2 user.empty="));
}

#[test]
fn img_08_attributes_that_steer_overlayfs_are_refused() {
    for name in
        ["trusted.overlay.opaque", "trusted.overlay.redirect", "user.overlay.whiteout", "trusted.overlay.x"]
    {
        for dir in [false, true] {
            let tar = Tar::new().pax(&[(&format!("SCHILY.xattr.{name}"), b"y")]);
            let tar = if dir { tar.dir("d") } else { tar.file("f", "") };
            assert_refused(Scene::new().apply(&tar.end()));
        }
    }
}

#[test]
fn img_08_labels_of_another_machine_are_left_out() {
    let scene = Scene::new();
    let names = ["security.selinux", "security.ima", "security.evm", "trusted.mine", "security.SMACK64"];
    let records: Vec<_> = names.iter().map(|name| (format!("SCHILY.xattr.{name}"), &b"v"[..])).collect();
    let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    scene.apply(&Tar::new().pax(&records).file("f", "").end()).unwrap();
    let line = scene.describe("f");
    assert!(!line.contains('='), "{line}");
}

#[test]
fn img_08_bombs_are_refused() {
    let value = vec![b'v'; (64 << 10) + 1];
    assert_refused(
        Scene::new().apply(&Tar::new().pax(&[("SCHILY.xattr.user.x", &value)]).file("f", "").end()),
    );
    let names: Vec<_> = (0..129).map(|n| format!("SCHILY.xattr.user.{n}")).collect();
    let records: Vec<_> = names.iter().map(|name| (name.as_str(), &b"v"[..])).collect();
    assert_refused(Scene::new().apply(&Tar::new().pax(&records).file("f", "").end()));
    // Ten thousand records that take each other back are ten thousand lookups, no more.
    let records: Vec<_> = (0..10_000).map(|_| ("SCHILY.xattr.user.x", &b"v"[..])).collect();
    Scene::new().apply(&Tar::new().pax(&records).file("f", "").end()).unwrap();
    assert_refused(
        Scene::new().apply(&Tar::new().pax(&[("SCHILY.xattr.user.a\0b", b"v")]).file("f", "").end()),
    );
}
