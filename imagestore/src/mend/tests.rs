//! Which directories are mended.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn ids_depend_on_the_whole_stack() {
    let layer = |seed: &str| DiffId(Digest::of(seed.as_bytes()));
    let all = [id(&[]), id(&[layer("a")]), id(&[layer("a"), layer("b")]), id(&[layer("b"), layer("a")])];
    let different: HashSet<DiffId> = all.iter().copied().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn prefixes_come_from_the_root_down() {
    let of = |path: &str| {
        prefixes(path.as_bytes()).map(|p| String::from_utf8(p.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("usr/local/bin"), ["", "usr", "usr/local", "usr/local/bin"]);
}

#[test]
fn only_what_was_lost_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let tree = |layer: &str, path: &str, mode: u32| {
        let place = dir.path().join(layer).join(path);
        fs::create_dir_all(&place).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(mode)).unwrap();
    };
    for (path, mode) in [("tmp", 0o1777), ("same", 0o755), ("told", 0o700), ("hidden", 0o711)] {
        tree("bottom", path, mode);
    }
    for path in ["tmp", "same", "told", "fresh/inner"] {
        tree("top", path, 0o755);
    }
    fs::write(dir.path().join("top/hidden"), b"a file now").unwrap();
    let view = View::open([dir.path().join("top"), dir.path().join("bottom")]).unwrap();
    let silent = ["", "tmp", "same", "fresh", "fresh/inner", "hidden", "never"];
    let implied = [silent.iter().map(|path| path.as_bytes().to_vec()).collect(), HashSet::new()];
    let found = find(&view, &implied).unwrap();
    let paths: Vec<&[u8]> = found.keys().map(Vec::as_slice).collect();
    assert_eq!(paths, [b"".as_slice(), b"tmp"], "the root comes along");
    assert_eq!(found[b"tmp".as_slice()].mode, 0o1777);

    let made = dir.path().join("made");
    fs::create_dir(&made).unwrap();
    make(File::open(&made).unwrap().as_fd(), &found).unwrap();
    assert_eq!(fs::metadata(made.join("tmp")).unwrap().permissions().mode() & 0o7777, 0o1777);
}
