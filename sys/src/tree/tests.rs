//! Entries, links, attributes and syncfs on a small tree.
use std::{
    fs::{self, File},
    os::unix::fs::symlink,
};

use super::*;
use crate::Errno;

fn tree(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("berth-sys-tree-{name}-{}", std::process::id()));
    fs::create_dir(&dir).unwrap();
    dir
}

#[test]
fn entries_are_not_followed() {
    let dir = tree("entries");
    fs::write(dir.join("file"), b"abc").unwrap();
    symlink("/nowhere/at all", dir.join("link")).unwrap();
    let fd = File::open(&dir).unwrap();
    let file = entry(&fd, "file".as_ref()).unwrap().unwrap();
    assert_eq!((file.kind, file.size_bytes), (Kind::File, 3));
    assert!(file.mtime > Duration::from_secs(1_500_000_000));
    assert_eq!(entry(&fd, "link".as_ref()).unwrap().unwrap().kind, Kind::Symlink);
    assert_eq!(entry(&fd, "none".as_ref()).unwrap(), None);
    assert_eq!(entry_of(&fd).unwrap().kind, Kind::Directory);
    assert_eq!(link_target(&fd, "link".as_ref()).unwrap(), b"/nowhere/at all");
    assert_eq!(link_target(&fd, "file".as_ref()).unwrap_err().errno, Errno::EINVAL);
    sync_file_system(&fd).unwrap();
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_attribute_that_is_not_there_is_none() {
    let dir = tree("xattr");
    assert_eq!(xattr(File::open(&dir).unwrap(), "user.berth-test").unwrap(), None);
    fs::remove_dir_all(dir).unwrap();
}
