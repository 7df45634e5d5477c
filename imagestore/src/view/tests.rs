//! Views over hand-made layers, compared with what overlayfs would show.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// Layers as directories, the top first.
struct Layers {
    dir: tempfile::TempDir,
    count: usize,
}

impl Layers {
    fn new(count: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for layer in 0..count {
            fs::create_dir(dir.path().join(layer.to_string())).unwrap();
        }
        Self { dir, count }
    }

    fn at(&self, layer: usize, path: &str) -> std::path::PathBuf {
        let place = self.dir.path().join(layer.to_string()).join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    }

    fn view(&self) -> View {
        View::open((0..self.count).map(|layer| self.dir.path().join(layer.to_string()))).unwrap()
    }

    fn whiteout(&self, layer: usize, path: &str) {
        let place = self.at(layer, path);
        let dir = sys::path::open_dir(place.parent().unwrap()).unwrap();
        let name = place.file_name().unwrap().to_str().unwrap();
        let node = sys::path::Node::Char { major: 0, minor: 0 };
        sys::path::make_node(&dir, name, node, 0, (0, 0)).unwrap();
    }
}

fn read(view: &View, path: &str) -> Option<String> {
    view.read(path.as_bytes(), 100).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn the_top_wins_and_whiteouts_hide() {
    let layers = Layers::new(3);
    fs::write(layers.at(2, "a/one"), "bottom").unwrap();
    fs::write(layers.at(2, "a/two"), "bottom").unwrap();
    fs::write(layers.at(2, "gone/x"), "bottom").unwrap();
    fs::write(layers.at(1, "a/one"), "middle").unwrap();
    layers.whiteout(1, "a/two");
    layers.whiteout(1, "gone");
    fs::write(layers.at(0, "gone/y"), "top").unwrap();
    let view = layers.view();
    assert_eq!(read(&view, "a/one").as_deref(), Some("middle"));
    assert_eq!(read(&view, "/a//./two"), None);
    assert_eq!(read(&view, "gone/x"), None, "a directory made again after its removal is empty");
    assert_eq!(read(&view, "gone/y").as_deref(), Some("top"));
}

#[test]
fn a_file_between_directories_separates_them() {
    let layers = Layers::new(3);
    fs::write(layers.at(2, "d/below"), "x").unwrap();
    fs::write(layers.at(1, "d"), "file").unwrap();
    fs::write(layers.at(0, "d/above"), "y").unwrap();
    let view = layers.view();
    assert_eq!(read(&view, "d/above").as_deref(), Some("y"));
    assert_eq!(read(&view, "d/below"), None);
    assert_eq!(view.walker().unwrap().directory(b"d").unwrap().unwrap().len(), 1);
}

#[test]
fn links_stay_inside() {
    let layers = Layers::new(2);
    fs::write(layers.at(1, "etc/target"), "inside").unwrap();
    for (name, target) in [
        ("abs", "/etc/target"),
        ("up", "../../../../etc/target"),
        ("chain", "/abs"),
        ("dir", "/etc"),
        ("self", "self"),
        ("host", "/proc/self/root/etc/passwd"),
        ("empty", "."),
    ] {
        symlink(target, layers.at(0, name)).unwrap();
    }
    let view = layers.view();
    for path in ["abs", "up", "chain", "dir/target", "dir/../dir/target", "empty/empty/abs", "../../abs"] {
        assert_eq!(read(&view, path).as_deref(), Some("inside"), "{path}");
    }
    assert_eq!(read(&view, "host"), None);
    assert!(view.read(b"self", 100).is_err());
    assert!(view.walker().unwrap().directory(b"dir").unwrap().is_none(), "no link is followed here");
    let many: String = (0..60).map(|_| "dir/../").collect();
    assert!(view.read(format!("{many}abs").as_bytes(), 100).is_err(), "as many links as the kernel follows");
    let long: String = "etc/../".repeat(30_000);
    assert!(view.read(format!("{long}abs").as_bytes(), 100).is_err(), "work is bounded");
}

#[test]
fn only_plain_files_are_read() {
    let layers = Layers::new(1);
    fs::create_dir(layers.at(0, "dir")).unwrap();
    sys::path::make_node(
        sys::path::open_dir(layers.dir.path().join("0")).unwrap(),
        "zero",
        sys::path::Node::Char { major: 1, minor: 5 },
        0o666,
        (0, 0),
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(layers.at(0, "socket")).unwrap();
    fs::write(layers.at(0, "file"), "123").unwrap();
    let sparse = fs::File::create(layers.at(0, "sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let view = layers.view();
    for path in ["dir", "zero", "socket", "."] {
        assert_eq!(
            view.read(path.as_bytes(), 100).unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{path}"
        );
    }
    assert_eq!(view.read(b"file", 2).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(view.read(b"sparse", 1000).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    assert!(LowerLayers::open(&view, b"dir").unwrap().is_none());
    assert!(LowerLayers::open(&view, b"file").unwrap().is_some());
}

#[test]
fn a_walker_finds_neighbours_and_gives_up_in_wells() {
    let layers = Layers::new(2);
    for path in ["a/b/c", "a/b/d", "a/e", "f"] {
        fs::create_dir_all(layers.at(1, path)).unwrap();
    }
    fs::create_dir_all(layers.at(0, "a/b/c")).unwrap();
    let deep = "d/".repeat(1500);
    fs::create_dir_all(layers.at(0, &deep)).unwrap();
    fs::create_dir_all(layers.at(1, &deep)).unwrap();
    let view = layers.view();
    let mut walker = view.walker().unwrap();
    let mut count = |path: &str| walker.directory(path.as_bytes()).unwrap().map(Vec::len);
    let cases = [
        ("a/b/c", Some(2)),
        ("a/b/d", Some(1)),
        ("a/b", Some(2)),
        ("", Some(2)),
        ("f", Some(1)),
        ("a/b/none", None),
    ];
    for (path, layers) in cases.iter().chain(cases.iter().rev()) {
        assert_eq!(count(path), *layers, "{path}");
    }
    assert_eq!(count(&deep), None);
    assert_eq!(count("a/e"), Some(1));
}
