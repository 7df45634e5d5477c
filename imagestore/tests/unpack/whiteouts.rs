//! Deletions, in whichever order their entries come: IMG-05, SEC-41.

use crate::{
    archive::Tar,
    scene::{Scene, assert_refused},
};

const WHITEOUT: &str = "Char 0 0:0 0 (0, 0)";

#[test]
fn img_05_a_whiteout_is_a_device_0_0() {
    let scene = Scene::new();
    let applied = scene.apply(&Tar::new().dir("d").file("d/.wh.gone", "").file(".wh.top", "").end()).unwrap();
    assert_eq!(scene.describe("d/gone"), WHITEOUT);
    assert_eq!(scene.describe("top"), WHITEOUT);
    assert_eq!(scene.paths(), ["d", "d/gone", "top"]);
    assert_eq!((applied.inodes, applied.bytes), (3, 0));
    assert_eq!(scene.stat("d").mtime.seconds, 1_000_000_000);
}

#[test]
fn img_05_names_without_a_name_are_refused() {
    for name in [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..", "a/.wh...", "./.wh.."] {
        assert_refused(Scene::new().apply(&Tar::new().dir("a").file(name, "").end()));
    }
}

#[test]
fn img_05_opaque_marks_its_directory() {
    let scene = Scene::new();
    let applied =
        scene.apply(&Tar::new().dir("d").file("d/.wh..wh..opq", "").file("d/f", "x").end()).unwrap();
    assert!(scene.is_opaque("d"));
    assert!(!applied.opaque_root);
    assert_eq!(scene.paths(), ["d", "d/f"]);
    // After its siblings, and before its directory.
    let scene = Scene::new();
    scene.apply(&Tar::new().file("d/f", "x").file("d/.wh..wh..opq", "").dir("d").end()).unwrap();
    assert!(scene.is_opaque("d"));
    assert_eq!(scene.paths(), ["d", "d/f"]);
    // In the root, where overlayfs does not look for it.
    let scene = Scene::new();
    assert!(scene.apply(&Tar::new().file(".wh..wh..opq", "").end()).unwrap().opaque_root);
    // In a file.
    assert_refused(Scene::new().apply(&Tar::new().file("f", "x").file("f/.wh..wh..opq", "").end()));
}

#[test]
fn img_05_whiteouts_go_through_links_inside_the_root() {
    let scene = Scene::new();
    let canary = scene.canary();
    let out = canary.trim_end_matches("/shadow");
    let tar = Tar::new().dir("d").symlink("l", "/d").file("l/.wh.gone", "").file("l/.wh..wh..opq", "");
    scene.apply(&tar.symlink("out", out).file("out/.wh.shadow", "").end()).unwrap();
    assert_eq!(scene.describe("d/gone"), WHITEOUT);
    assert!(scene.is_opaque("d"));
}

#[test]
fn img_05_bookkeeping_of_aufs_is_left_out() {
    let scene = Scene::new();
    let tar =
        Tar::new().dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2", "x").file(".wh..wh.aufs", "").file("f", "x");
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["f"]);
}

/// SEC-41: the same deletions and files in every order make the same tree.
#[test]
fn img_05_the_order_of_entries_does_not_matter() {
    let parts: [fn(Tar) -> Tar; 5] = [
        |tar| tar.file(".wh.dir", ""),
        |tar| tar.file("dir/kept", "x"),
        |tar| tar.file("dir/.wh.other", ""),
        |tar| tar.file(".wh.file", ""),
        |tar| tar.file("file", "new"),
    ];
    let mut trees = Vec::new();
    for order in orders(parts.len()) {
        let tar = order.iter().fold(Tar::new(), |tar, part| parts[*part](tar));
        let scene = Scene::in_memory();
        scene.apply(&tar.end()).unwrap();
        assert!(scene.is_opaque("dir"), "{order:?}");
        trees.push(scene.tree());
    }
    assert_eq!(trees.len(), 120);
    assert!(trees.iter().all(|tree| *tree == trees[0]));
    let mut paths = trees.swap_remove(0).into_iter();
    assert_eq!(paths.next().unwrap().1, "Directory 755 0:0 0 trusted.overlay.opaque=y");
    assert_eq!(paths.map(|(path, _)| path).collect::<Vec<_>>(), ["dir/kept", "dir/other", "file"]);
}

#[test]
fn img_05_a_file_hides_the_lower_one_without_a_whiteout() {
    let scene = Scene::new();
    scene
        .apply(&Tar::new().file("f", "x").file(".wh.f", "").symlink("s", "t").file(".wh.s", "").end())
        .unwrap();
    assert_eq!(scene.read("f"), "x");
    assert!(scene.describe("s").starts_with("Symlink"));
}

#[test]
fn img_05_whiteouts_may_be_of_any_type() {
    let scene = Scene::new();
    let tar =
        Tar::new().dir(".wh.a").symlink(".wh.b", "/etc").link(".wh.c", "nothing").device(b'3', ".wh.d", 1, 3);
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.tree().into_values().collect::<Vec<_>>(), [WHITEOUT; 4]);
}

fn orders(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for order in orders(n - 1) {
        for at in 0..n {
            let mut order = order.clone();
            order.insert(at, n - 1);
            all.push(order);
        }
    }
    all
}
