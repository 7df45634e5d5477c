//! Hard links, and a tree that somebody changes while it is unpacked: IMG-03, IMG-04, SEC-23, 60, 63, 66.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    archive::{Header, Tar},
    scene::{Scene, assert_refused},
};

#[test]
fn img_04_a_hard_link_is_one_inode() {
    let scene = Scene::new();
    let tar =
        Tar::new().file("a", "x").link("b", "a").link("d/c", "./d/../b").symlink("s", "a").link("t", "s");
    let applied = scene.apply(&tar.end()).unwrap();
    let ino = |path| scene.stat(path).ino;
    assert_eq!((ino("a"), ino("b")), (ino("d/c"), ino("a")));
    assert_eq!(ino("s"), ino("t"), "a link to a symbolic link is one to the link itself");
    assert_eq!(applied.inodes, 3);
}

#[test]
fn img_04_hard_links_out_of_the_root_are_refused() {
    let canary = Scene::new().canary();
    for target in [canary.as_str(), "../x", "/etc/passwd", "../../../../../../../etc/passwd"] {
        assert_refused(Scene::new().apply(&Tar::new().link("l", target).end()));
    }
    let scene = Scene::new();
    let up = Tar::new().symlink("out", "../outside").link("l", "out/etc/shadow");
    assert_refused(scene.apply(&up.end()));
}

#[test]
fn img_04_hard_links_to_nothing_fit_are_refused() {
    let cases = [
        ("missing", Tar::new().link("l", "missing")),
        ("before its target", Tar::new().link("l", "f").file("f", "x")),
        ("a directory", Tar::new().dir("d").link("l", "d")),
        ("the root", Tar::new().link("l", "/")),
        ("itself", Tar::new().link("l", "l")),
        ("itself, existing", Tar::new().file("l", "x").link("l", "l")),
        ("itself through a link", Tar::new().dir("d").symlink("e", "d").file("d/l", "x").link("e/l", "d/l")),
        ("what the layer deletes", Tar::new().file(".wh.f", "").link("l", "f")),
        ("what makes way for it", Tar::new().file("d/f", "x").link("d", "d/f")),
        ("a loop", Tar::new().symlink("a", "b").symlink("b", "a").link("l", "a/f")),
        ("below a file", Tar::new().file("f", "x").link("l", "f/g")),
        ("an empty name", Tar::new().link("l", "")),
    ];
    for (case, tar) in cases {
        let scene = Scene::new();
        assert_refused(scene.apply(&tar.end()));
        drop((scene, case));
    }
}

#[test]
fn img_04_a_link_does_not_change_what_it_links_to() {
    let scene = Scene::new();
    let link = Header { link: b"f", mode: 0o4777, uid: 9, mtime: 5, ..Header::new(b'1', b"l") };
    scene.apply(&Tar::new().file("f", "x").entry(&link, b"").end()).unwrap();
    assert_eq!(scene.describe("f"), scene.describe("l"));
    assert!(scene.describe("f").starts_with("File 644 0:0 1000000000"));
}

/// SEC-60: a link, then a file of the same name; the file must not be written through the link.
#[test]
fn sec_60_a_file_does_not_write_through_a_link_of_its_name() {
    let scene = Scene::new();
    let canary = scene.canary();
    scene.apply(&Tar::new().symlink("f", &canary).file("f", "evil").end()).unwrap();
    assert_eq!(scene.read("f"), "evil");
    let scene = Scene::new();
    scene.apply(&Tar::new().file("a", "one").link("f", "a").file("f", "two").end()).unwrap();
    assert_eq!(scene.read("a"), "one");
}

/// SEC-23, SEC-63: modes and owners never pass through a link.
#[test]
fn sec_23_metadata_does_not_follow_links() {
    let scene = Scene::new();
    let canary = scene.canary();
    let open = |flag| Header { mode: 0o777, uid: 99, link: b"x", ..Header::new(flag, b"a") };
    let tar = Tar::new()
        .symlink("a", &canary)
        .entry(&open(b'5'), b"")
        .symlink("a", &canary)
        .entry(&open(b'2'), b"");
    scene.apply(&tar.end()).unwrap();
    let scene = Scene::new();
    let tar = Tar::new().symlink("a", "../outside").entry(&open(b'5'), b"").file("a/etc", "x");
    scene.apply(&tar.end()).unwrap();
    assert!(scene.describe("a").starts_with("Directory 777 99:0"));
}

#[test]
fn sec_66_nothing_replaces_the_root() {
    for flag in *b"0123467" {
        let scene = Scene::new();
        for name in [&b"."[..], b"./", b"/", b"..", b"a/.."] {
            let entry = Header { link: b"/etc", device: (1, 3), ..Header::new(flag, name) };
            scene.apply(&Tar::new().entry(&entry, b"").end()).unwrap();
        }
        scene.apply(&Tar::new().file("f", "x").end()).unwrap();
        assert_eq!(scene.paths(), ["f"]);
    }
    assert_refused(Scene::new().apply(&Tar::new().file(".wh..", "").end()));
    assert_refused(Scene::new().apply(&Tar::new().file(".wh...", "").end()));
    assert_refused(Scene::new().apply(&Tar::new().file(".wh.", "").end()));
}

/// SEC-34: somebody swaps directories of the tree for links to the outside all the while.
#[test]
fn img_03_a_swapper_moves_nothing_out() {
    let scene = Scene::in_memory();
    let root = scene.path();
    let outside = root.join("../outside");
    let stop = AtomicBool::new(false);
    let mut tar = Tar::new();
    for n in 0..400 {
        let made = Header { mode: 0o777, uid: 99, ..Header::new(b'5', b"swap/deep") };
        tar = tar.dir("swap").entry(&made, b"").file(&format!("swap/deep/{n}"), "evil");
        tar = tar.link(&format!("swap/link{n}"), &format!("swap/deep/{n}")).file("swap/etc", "evil");
    }
    let tar = tar.end();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for name in ["swap", "swap/deep"] {
                    let (path, aside) = (root.join(name), root.join("aside"));
                    if fs::rename(&path, &aside).is_ok() {
                        symlink(&outside, &path).ok();
                        std::thread::yield_now();
                        fs::remove_file(&path).ok();
                        fs::rename(&aside, &path).ok();
                    }
                }
            }
        });
        for _ in 0..25 {
            // It may fail, as the tree changes under it; it may not reach out.
            scene.apply(&tar).ok();
        }
        stop.store(true, Ordering::Relaxed);
    });
    scene.check_canary();
    let shadow = fs::metadata(outside.join("etc/shadow")).unwrap();
    assert_eq!((shadow.permissions().mode() & 0o777, shadow.uid(), shadow.nlink()), (0o644, 0, 1));
}
