//! Names and the ways they lead: IMG-01, 02, 12, 13, 14.

use std::collections::BTreeSet;

use crate::{
    archive::{Header, Tar},
    scene::{Scene, assert_refused},
};

#[test]
fn img_01_names_that_climb_or_are_absolute_are_contained() {
    for name in ["../x", "a/../../x", "/x", "//x", "./././x", "../../../../../x", "a/b/../../../x"] {
        let scene = Scene::new();
        scene.apply(&Tar::new().file(name, "inside").end()).unwrap();
        assert_eq!(scene.paths(), ["x"], "{name}");
        assert_eq!(scene.read("x"), "inside");
    }
    for name in [".", "./", "/", "..", "../..", "a/..", ""] {
        let scene = Scene::new();
        let tar =
            Tar::new().dir(name).file(name, "x").symlink(name, "/etc").link(name, "x").file("after", "x");
        scene.apply(&tar.end()).unwrap();
        assert_eq!(scene.paths(), ["after"], "{name}: the root stays what it is");
    }
}

#[test]
fn img_01_an_entry_for_the_root_sets_its_mode_and_time() {
    let scene = Scene::new();
    let root = Header { mode: 0o1770, uid: 7, gid: 8, ..Header::new(b'5', b"./") };
    let applied = scene.apply(&Tar::new().entry(&root, b"").file("f", "x").end()).unwrap();
    let stat = sys::at::stat(scene.dest()).unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid, stat.mtime.seconds), (0o1770, 7, 8, 1_000_000_000));
    assert!(applied.implied.is_empty());
}

#[test]
fn img_02_symlinked_parents_are_resolved_inside_the_root() {
    for target in ["/in", "in", "../../../../in", "/../in", "/./in/../in"] {
        let scene = Scene::new();
        let tar = Tar::new().dir("in").symlink("link", target).file("link/f", "x");
        scene.apply(&tar.end()).unwrap();
        assert_eq!(scene.paths(), ["in", "in/f", "link"], "{target}");
        assert_eq!(scene.stat("in").mtime.seconds, 1_000_000_000, "times hold through a link too");
    }
}

#[test]
fn img_02_a_link_to_the_host_leads_to_a_new_directory_inside() {
    let scene = Scene::new();
    let target = scene.canary();
    let inside = target.trim_start_matches('/');
    scene.apply(&Tar::new().symlink("link", &target).file("link/f", "x").end()).unwrap();
    assert!(scene.paths().contains(&format!("{inside}/f")));
    // A dangling link in the middle of a path, up and over.
    let scene = Scene::new();
    let tar = Tar::new().dir("a").symlink("a/link", "../../b/./c/").file("a/link/d/../e/f", "x");
    let applied = scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["a", "a/link", "b", "b/c", "b/c/e", "b/c/e/f"]);
    assert_eq!(applied.implied, [&b""[..], b"b", b"b/c", b"b/c/e"]);
}

#[test]
fn img_02_a_chain_of_40_links_is_followed_and_a_longer_one_is_not() {
    let chain = |n: usize| {
        let mut tar = Tar::new().dir("d0");
        for at in 1..=n {
            tar = tar.symlink(&format!("d{at}"), &format!("d{}", at - 1));
        }
        tar.file(&format!("d{n}/f"), "x").end()
    };
    let scene = Scene::new();
    scene.apply(&chain(40)).unwrap();
    assert!(scene.paths().contains(&"d0/f".to_owned()));
    assert_refused(Scene::new().apply(&chain(41)));
    // The same by the walk for paths that do not exist yet.
    let dangling = |n| Tar(chain(n)[..512 + n * 512].to_vec()).file(&format!("d{n}/new/f"), "x").end();
    Scene::new().apply(&dangling(40)).unwrap();
    assert_refused(Scene::new().apply(&dangling(41)));
}

#[test]
fn img_02_loops_of_links_are_refused() {
    assert_refused(
        Scene::new().apply(&Tar::new().symlink("a", "b").symlink("b", "a").file("a/f", "x").end()),
    );
    assert_refused(Scene::new().apply(&Tar::new().symlink("a", "a").file("a/f", "x").end()));
    assert_refused(Scene::new().apply(&Tar::new().symlink("a", "a/x").file("a/f", "x").end()));
}

#[test]
fn img_02_a_parent_that_is_a_file_is_refused() {
    assert_refused(Scene::new().apply(&Tar::new().file("a", "x").file("a/b", "x").end()));
    assert_refused(Scene::new().apply(&Tar::new().device(b'6', "a", 0, 0).dir("a/b").end()));
}

#[test]
fn img_12_names_of_255_bytes_are_taken_and_longer_ones_are_not() {
    let scene = Scene::new();
    scene.apply(&Tar::new().file(&"n".repeat(255), "x").end()).unwrap();
    assert_eq!(scene.paths(), ["n".repeat(255)]);
    for length in [256, 4096, 5000] {
        assert_refused(Scene::new().apply(&Tar::new().file(&"n".repeat(length), "x").end()));
        assert_refused(Scene::new().apply(&Tar::new().file(&format!("{}/f", "n".repeat(length)), "x").end()));
    }
    assert_refused(Scene::new().apply(&Tar::new().symlink("l", &"n".repeat(4096)).end()));
    Scene::new().apply(&Tar::new().symlink("l", &"n/".repeat(2047)).end()).unwrap();
}

#[test]
fn img_12_a_path_longer_than_path_max_is_made() {
    let scene = Scene::new();
    let deep = "directory/".repeat(3000);
    let tar = Tar::new()
        .file(&format!("{deep}one"), "1")
        .dir(&deep)
        .file(&format!("{deep}two"), "2")
        .link(&format!("{deep}three"), &format!("{deep}one"))
        .file(&format!("{deep}.wh.four"), "");
    let applied = scene.apply(&tar.end()).unwrap();
    assert_eq!(applied.inodes, 3000 + 2 + 1);
    let mut at = sys::at::reopen_dir(scene.dest()).unwrap();
    for _ in 0..3000 {
        at = sys::at::open_dir(std::os::fd::AsFd::as_fd(&at), b"directory").unwrap();
    }
    let stat = |name: &[u8]| sys::at::stat_at(std::os::fd::AsFd::as_fd(&at), name).unwrap();
    assert_eq!((stat(b"one").ino, stat(b"two").size), (stat(b"three").ino, 1));
    assert!(stat(b"four").is_whiteout());
}

#[test]
fn img_12_a_hundred_thousand_levels_are_made_and_removed() {
    let scene = Scene::in_memory();
    let deep = "d/".repeat(100_000);
    let begun = std::time::Instant::now();
    let applied = scene.apply(&Tar::new().file(&format!("{deep}f"), "x").end()).unwrap();
    assert_eq!(applied.inodes, 100_001);
    assert!(applied.implied.iter().map(Vec::len).sum::<usize>() <= 1 << 20);
    sys::at::remove_children(scene.dest()).unwrap();
    assert!(begun.elapsed().as_secs() < 300, "{:?}", begun.elapsed());
}

#[test]
fn img_12_many_entries_in_one_directory() {
    let scene = Scene::new();
    let mut tar = Tar::new();
    for n in 0..20_000 {
        tar = tar.file(&format!("dir/{n}"), "");
    }
    assert_eq!(scene.apply(&tar.end()).unwrap().inodes, 20_001);
    assert_eq!(scene.stat("dir").mtime.seconds, 0, "an implied directory has a fixed time");
}

#[test]
fn img_13_the_last_of_equal_names_counts() {
    let scene = Scene::new();
    scene.apply(&Tar::new().file("a", "one").link("b", "a").file("a", "two").end()).unwrap();
    assert_eq!((scene.read("a"), scene.read("b")), ("two".into(), "one".into()));
    let make = |tar: Tar, kind: usize| match kind {
        0 => tar.file("t", "content"),
        1 => tar.dir("t").file("t/below", "x"),
        2 => tar.symlink("t", "elsewhere"),
        3 => tar.device(b'6', "t", 0, 0),
        4 => tar.link("t", "other"),
        _ => tar.device(b'3', "t", 1, 3),
    };
    for first in 0..6 {
        for second in 0..6 {
            let only = Scene::new();
            only.apply(&make(Tar::new().file("other", "o"), second).end()).unwrap();
            let both = Scene::new();
            both.apply(&make(make(Tar::new().file("other", "o"), first), second).end()).unwrap();
            let mut tree = both.tree();
            if first != second && second == 1 {
                // The directory hides what lower layers have, as what it replaced did.
                assert!(both.is_opaque("t"), "{first} then {second}");
                tree.insert("t".into(), only.describe("t"));
            }
            assert_eq!(tree, only.tree(), "{first} then {second}");
        }
    }
}

#[test]
fn img_13_a_directory_that_comes_again_keeps_its_content() {
    let scene = Scene::new();
    let again = Header { mode: 0o700, uid: 5, mtime: 5, ..Header::new(b'5', b"d/") };
    scene.apply(&Tar::new().dir("d").file("d/f", "x").entry(&again, b"").end()).unwrap();
    assert_eq!(scene.paths(), ["d", "d/f"]);
    assert_eq!(scene.describe("d"), "Directory 700 5:0 5");
}

#[test]
fn img_13_a_replaced_directory_is_no_way_any_more() {
    let scene = Scene::new();
    // The parent is open when it is replaced by a link to another directory.
    let tar = Tar::new().dir("d").file("d/one", "x").dir("e").symlink("d", "e").file("d/two", "x");
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["d", "e", "e/two"]);
    let scene = Scene::new();
    let tar = Tar::new()
        .dir("e")
        .dir("f")
        .symlink("d", "e")
        .file("d/one", "x")
        .symlink("d", "f")
        .file("d/two", "x");
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["d", "e", "e/one", "f", "f/two"]);
}

#[test]
fn img_13_case_twins_and_slashes_at_the_end() {
    let scene = Scene::new();
    scene.apply(&Tar::new().file("File", "1").file("file", "2").file("FILE/", "3").end()).unwrap();
    assert_eq!(scene.paths(), ["FILE", "File", "file"], "type 0 with a slash is a file, as in Go and Python");
    let scene = Scene::new();
    let old = Header { flag: 0, ..Header::new(b'5', b"dir/") };
    scene.apply(&Tar::new().entry(&old, b"").end()).unwrap();
    assert!(scene.describe("dir").starts_with("Directory"), "the seventh edition's directory");
}

#[test]
fn img_14_any_byte_may_be_in_a_name() {
    let names: [&[u8]; 7] =
        [b"\xff\xfe", b"line\nbreak", b"\x1b[31m", "\u{202e}gnp.exe".as_bytes(), b" ", b"\\", b"-rf"];
    let mut tar = Tar::new();
    for name in names {
        tar = tar.file_bytes(name, b"x");
    }
    let scene = Scene::new();
    scene.apply(&tar.end()).unwrap();
    let expected: BTreeSet<String> = names.iter().map(|name| name.escape_ascii().to_string()).collect();
    assert_eq!(scene.paths().into_iter().collect::<BTreeSet<_>>(), expected);
    let error = Scene::new().apply(&Tar::new().file("a", "").file("a/\x1b[2J\n", "").end()).unwrap_err();
    assert!(!error.to_string().contains(['\x1b', '\n']), "names in messages are escaped: {error}");
}

#[test]
fn img_14_a_name_ends_at_its_first_nul() {
    let scene = Scene::new();
    let mut block = Header::new(b'0', b"name").block();
    block[5..9].copy_from_slice(b"junk");
    crate::archive::seal(&mut block);
    scene.apply(&Tar::new().block(&block).end()).unwrap();
    assert_eq!(scene.paths(), ["name"]);
}
