use std::{
    fs,
    os::{fd::AsFd, unix::fs::symlink},
    path::PathBuf,
};

use super::{Leaf, Open, Within, make_below, open, open_dir};
use crate::{
    Errno,
    fd::{Kind, identity},
};

struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("berth-sys-path-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("root")).unwrap();
        fs::create_dir_all(path.join("outside")).unwrap();
        Self(path)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn links_out_of_the_root_lead_into_it() {
    let tree = Tree::new("links");
    symlink("/etc", tree.0.join("root/abs")).unwrap();
    symlink("../../../outside", tree.0.join("root/rel")).unwrap();
    let root = open_dir(tree.0.join("root")).unwrap();
    fs::create_dir(tree.0.join("root/etc")).unwrap();
    make_below(root.as_fd(), "/abs/new/file", Leaf::File, 0o644, Within::Root).unwrap();
    assert!(tree.0.join("root/etc/new/file").is_file());
    // The link dangles inside the root: nothing may be made outside, nor the link be followed by mkdir.
    assert!(make_below(root.as_fd(), "/rel/x", Leaf::Directory, 0o755, Within::Root).is_err());
    assert_eq!(fs::read_dir(tree.0.join("outside")).unwrap().count(), 0);
    let refused = make_below(root.as_fd(), "/abs", Leaf::Directory, 0o755, Within::RootNoLinks).unwrap_err();
    assert_eq!(refused.errno, Errno::ELOOP);
    let refused = open(&root, "rel", Open::PATH, Within::Beneath).unwrap_err();
    assert_eq!(refused.errno, Errno::EXDEV);
}

#[test]
fn missing_parts_are_made_and_dots_among_them_refused() {
    let tree = Tree::new("missing");
    let root = open_dir(tree.0.join("root")).unwrap();
    let made = make_below(root.as_fd(), "/a/./b/c", Leaf::Directory, 0o755, Within::Root).unwrap();
    assert_eq!(identity(&made).unwrap().kind, Kind::Directory);
    assert!(tree.0.join("root/a/b/c").is_dir());
    let refused = make_below(root.as_fd(), "/x/../y", Leaf::Directory, 0o755, Within::Root).unwrap_err();
    assert_eq!(refused.errno, Errno::EINVAL);
    let root_itself = make_below(root.as_fd(), "/", Leaf::Directory, 0o755, Within::Root).unwrap();
    assert_eq!(identity(&root_itself).unwrap(), identity(&root).unwrap());
}
