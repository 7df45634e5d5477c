//! Copies of hand-made layers.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::*;
use crate::view::View;

struct Layers(tempfile::TempDir);

impl Layers {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for layer in ["top", "bottom", "copy"] {
            fs::create_dir_all(dir.path().join(layer).join("data")).unwrap();
        }
        Self(dir)
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    fn copy(&self, bytes_max: u64) -> io::Result<()> {
        let view = View::open([self.at("top"), self.at("bottom")]).unwrap();
        let Some(Found::Directory(data)) = view.find(b"data").unwrap() else { panic!("no directory") };
        let into = File::open(self.at("copy/data")).unwrap();
        copy(&data, into.as_fd(), bytes_max)
    }

    fn whiteout(&self, path: &str) {
        let place = self.at(path);
        let dir = File::open(place.parent().unwrap()).unwrap();
        at::make_node(dir.as_fd(), place.file_name().unwrap().as_bytes(), at::WHITEOUT, 0).unwrap();
    }
}

fn listed(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_the_layers_show_is_copied_and_marks_are_not() {
    let layers = Layers::new();
    fs::create_dir_all(layers.at("bottom/data/covered/old")).unwrap();
    fs::create_dir_all(layers.at("top/data/covered/new")).unwrap();
    let covered = File::open(layers.at("top/data/covered")).unwrap();
    at::set_xattr(covered.as_fd(), b"trusted.overlay.opaque", b"y").unwrap();
    fs::write(layers.at("bottom/data/gone"), "x").unwrap();
    fs::write(layers.at("bottom/data/kept"), "kept").unwrap();
    fs::write(layers.at("bottom/data/changed"), "old").unwrap();
    fs::write(layers.at("top/data/changed"), "new").unwrap();
    layers.whiteout("top/data/gone");
    layers.whiteout("top/data/never");
    layers.copy(100).unwrap();
    assert_eq!(listed(&layers.at("copy/data")), ["changed", "covered", "kept"]);
    assert_eq!(listed(&layers.at("copy/data/covered")), ["new"]);
    assert_eq!(fs::read(layers.at("copy/data/changed")).unwrap(), b"new");
    let copied = File::open(layers.at("copy/data/covered")).unwrap();
    assert_eq!(at::list_xattrs(copied.as_fd()).unwrap(), Vec::<Vec<u8>>::new());
}

#[test]
fn owners_modes_times_links_and_kinds_stay() {
    let layers = Layers::new();
    let data = layers.at("bottom/data");
    fs::write(data.join("a"), "one file").unwrap();
    fs::create_dir(data.join("sub")).unwrap();
    fs::hard_link(data.join("a"), data.join("sub/b")).unwrap();
    symlink("/etc/passwd", data.join("link")).unwrap();
    let dir = File::open(&data).unwrap();
    at::make_node(dir.as_fd(), b"fifo", Node::Fifo, 0o600).unwrap();
    at::set_owner_at(dir.as_fd(), b"link", 35, 36).unwrap();
    let file = File::open(data.join("a")).unwrap();
    at::set_owner(file.as_fd(), 33, 34).unwrap();
    at::set_mode(file.as_fd(), 0o4750).unwrap();
    at::set_times(file.as_fd(), at::Time { seconds: 1_000, nanoseconds: 5 }).unwrap();
    fs::set_permissions(layers.at("top/data"), fs::Permissions::from_mode(0o1777)).unwrap();
    layers.copy(100).unwrap();
    let copied = layers.at("copy/data");
    let a = fs::metadata(copied.join("a")).unwrap();
    assert_eq!((a.uid(), a.gid(), a.mode() & 0o7777, a.mtime(), a.nlink()), (33, 34, 0o4750, 1_000, 2));
    assert_eq!(a.ino(), fs::metadata(copied.join("sub/b")).unwrap().ino());
    assert_eq!(fs::read_link(copied.join("link")).unwrap(), Path::new("/etc/passwd"));
    let link = fs::symlink_metadata(copied.join("link")).unwrap();
    assert_eq!((link.uid(), link.gid()), (35, 36));
    assert_eq!(at::stat_at(File::open(&copied).unwrap().as_fd(), b"fifo").unwrap().kind, Kind::Fifo);
    assert_eq!(fs::metadata(&copied).unwrap().mode() & 0o7777, 0o1777, "as the uppermost layer has it");
}

#[test]
fn holes_and_depth_have_limits() {
    let layers = Layers::new();
    let sparse = File::create(layers.at("bottom/data/sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert_eq!(layers.copy(1 << 30).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    let layers = Layers::new();
    fs::create_dir_all(layers.at("bottom/data").join("d/".repeat(DEPTH_MAX + 1))).unwrap();
    assert_eq!(layers.copy(1 << 30).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
