//! Hard links to files that only a lower layer has.

use std::{
    cell::RefCell,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use imagestore::unpack::{LowerLayers, UnpackError};

use crate::{
    archive::{Header, Tar},
    scene::Scene,
};

/// A lower layer that is a plain directory, and what was asked of it.
struct Lower(PathBuf, RefCell<Vec<String>>);

impl LowerLayers for Lower {
    fn open(&self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        self.1.borrow_mut().push(path.escape_ascii().to_string());
        match File::open(self.0.join(Path::new(std::ffi::OsStr::from_bytes(path)))) {
            Ok(file) => Ok(Some(file.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn below() -> (Scene, Lower) {
    let scene = Scene::new();
    let file = Header { mode: 0o4711, uid: 12, gid: 13, size: 5, ..Header::new(b'0', b"usr/bin/tool") };
    let tar =
        Tar::new().dir("usr").dir("usr/bin").pax(&[("SCHILY.xattr.user.x", b"y")]).entry(&file, b"lower");
    scene.apply(&tar.symlink("usr/bin/link", "tool").end()).unwrap();
    let lower = Lower(scene.path(), RefCell::default());
    (scene, lower)
}

#[test]
fn a_link_into_a_lower_layer_is_refused_without_one_and_copied_up_with_one() {
    let tar = Tar::new().dir("opt").link("opt/tool", "usr/bin/tool").link("opt/again", "/usr/bin/tool").end();
    let error = Scene::new().apply(&tar).unwrap_err();
    assert!(matches!(error, UnpackError::LinkTarget { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "layer entry \"opt/tool\": hard link to \"usr/bin/tool\", which this layer does not have"
    );
    let (below, lower) = below();
    let scene = Scene::new();
    let applied = scene.apply_over(&tar, &lower).unwrap();
    assert!(applied.bound_to_lower);
    assert_eq!(applied.implied, [&b""[..], b"usr", b"usr/bin"]);
    assert_eq!(scene.describe("opt/tool"), below.describe("usr/bin/tool"));
    assert!(scene.describe("opt/tool").starts_with("File 4711 12:13 1000000000 5 "));
    assert_eq!(scene.stat("opt/tool").ino, scene.stat("usr/bin/tool").ino, "one file, as in the lower layer");
    assert_eq!(scene.stat("opt/again").ino, scene.stat("usr/bin/tool").ino);
    assert_eq!(scene.stat("opt").mtime.seconds, 1_000_000_000);
    assert_eq!(*lower.1.borrow(), ["usr/bin/tool"]);
}

#[test]
fn what_the_layer_hides_is_not_taken_from_below() {
    let cases = [
        Tar::new().dir("usr").file("usr/.wh..wh..opq", "").link("l", "usr/bin/tool"),
        Tar::new().dir("usr/bin").file("usr/bin/.wh..wh..opq", "").link("l", "usr/bin/tool"),
        Tar::new().file("usr/.wh.bin", "").link("l", "usr/bin/tool"),
        Tar::new().file("usr/bin/.wh.tool", "").link("l", "usr/bin/tool"),
        Tar::new().file(".wh..wh..opq", "").link("l", "usr/bin/tool"),
    ];
    for tar in cases {
        let (_below, lower) = below();
        let error = Scene::new().apply_over(&tar.end(), &lower).unwrap_err();
        assert!(matches!(error, UnpackError::LinkTarget { .. }), "{error}");
    }
}

#[test]
fn only_regular_files_are_taken_from_below() {
    let (_below, lower) = below();
    for target in ["usr/bin", "nothing", "usr/bin/tool/x"] {
        let scene = Scene::new();
        assert!(scene.apply_over(&Tar::new().link("l", target).end(), &lower).is_err(), "{target}");
    }
}
