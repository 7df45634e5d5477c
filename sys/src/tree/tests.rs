//! Trees and what they take.
use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::PathBuf,
};

use super::*;

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("berth-sys-tree-{name}-{}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    fn usage(&self) -> Usage {
        usage(File::open(&self.0).unwrap().as_fd()).unwrap()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let parent = File::open(self.0.parent().unwrap()).unwrap();
        crate::at::remove_all(parent.as_fd(), self.0.file_name().unwrap().as_encoded_bytes()).unwrap();
    }
}

#[test]
fn every_inode_counts_once() {
    let dir = Dir::new("count");
    let empty = dir.usage();
    assert_eq!(empty.inodes, 1);
    fs::create_dir(dir.0.join("sub")).unwrap();
    fs::write(dir.0.join("sub/file"), vec![1; 10_000]).unwrap();
    fs::hard_link(dir.0.join("sub/file"), dir.0.join("again")).unwrap();
    symlink("/proc", dir.0.join("link")).unwrap();
    File::create(dir.0.join("sparse")).unwrap().set_len(1 << 40).unwrap();
    let full = dir.usage();
    assert_eq!((full.inodes, full.whole), (5, true));
    assert!((10_000..1_000_000).contains(&(full.bytes - empty.bytes)), "{full:?}");
}

/// Directories below each other, a file at the ground; longer than any path.
fn well(dir: &Dir, name: &[u8], depth: usize) {
    let mut at = OwnedFd::from(File::open(&dir.0).unwrap());
    for _ in 0..depth {
        crate::at::make_dir(at.as_fd(), name, 0o755).unwrap();
        at = crate::at::open_dir(at.as_fd(), name).unwrap();
    }
    crate::at::create_file(at.as_fd(), b"ground", 0o644).unwrap();
}

#[test]
fn a_well_is_counted_to_its_ground() {
    let dir = Dir::new("well");
    well(&dir, b"d", 5000);
    let full = dir.usage();
    assert_eq!((full.inodes, full.whole), (5002, true));
}

#[test]
fn a_well_without_ground_is_said_to_be_odd() {
    let dir = Dir::new("pit");
    well(&dir, &[b'd'; 250], 700);
    let full = dir.usage();
    assert!(full.inodes > 300 && !full.whole, "{full:?}");
}

#[test]
fn a_link_is_not_followed() {
    let dir = Dir::new("links");
    let other = Dir::new("other");
    fs::write(other.0.join("file"), "x").unwrap();
    symlink(&other.0, dir.0.join("link")).unwrap();
    assert_eq!(dir.usage().inodes, 2);
}

#[test]
fn privileged_an_opaque_directory_is_marked() {
    let dir = Dir::new("opaque");
    let fd = File::open(&dir.0).unwrap();
    assert!(!is_opaque(fd.as_fd()).unwrap());
    for (value, opaque) in [(b"y".as_slice(), true), (b"n", false), (b"yes", false), (b"", false)] {
        crate::at::set_xattr(fd.as_fd(), b"trusted.overlay.opaque", value).unwrap();
        assert_eq!(is_opaque(fd.as_fd()).unwrap(), opaque, "{value:?}");
    }
}
