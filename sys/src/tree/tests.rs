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

    fn usage(&self) -> Option<Usage> {
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
    let empty = dir.usage().unwrap();
    assert_eq!(empty.inodes, 1);
    fs::create_dir(dir.0.join("sub")).unwrap();
    fs::write(dir.0.join("sub/file"), vec![1; 10_000]).unwrap();
    fs::hard_link(dir.0.join("sub/file"), dir.0.join("again")).unwrap();
    symlink("/proc", dir.0.join("link")).unwrap();
    File::create(dir.0.join("sparse")).unwrap().set_len(1 << 40).unwrap();
    let full = dir.usage().unwrap();
    assert_eq!(full.inodes, 5);
    assert!((10_000..1_000_000).contains(&(full.bytes - empty.bytes)), "{full:?}");
}

#[test]
fn a_well_is_not_counted() {
    let dir = Dir::new("well");
    let mut at = OwnedFd::from(File::open(&dir.0).unwrap());
    for _ in 0..200 {
        crate::at::make_dir(at.as_fd(), b"d", 0o755).unwrap();
        at = crate::at::open_dir(at.as_fd(), b"d").unwrap();
    }
    assert_eq!(dir.usage(), None);
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
