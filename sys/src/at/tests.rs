//! The tree calls on real files: what each makes, and that none follows a link.

use std::{
    fs,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;

struct Dir(PathBuf, OwnedFd);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("berth-sys-at-{}-{n}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let fd = fs::File::open(&path).unwrap().into();
        Self(path, fd)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.1.as_fd()
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        remove_children(self.1.as_fd()).unwrap();
        fs::remove_dir(&self.0).unwrap();
    }
}

#[test]
fn makes_one_of_each() {
    let dir = Dir::new();
    let file = create_file(dir.fd(), b"file", 0o600).unwrap();
    set_owner(file.as_fd(), 12, 34).unwrap();
    set_mode(file.as_fd(), 0o4755).unwrap();
    let time = Time { seconds: 1_000_000_000, nanoseconds: 5 };
    set_times(file.as_fd(), time).unwrap();
    let seen = stat(file.as_fd()).unwrap();
    assert_eq!((seen.kind, seen.uid, seen.gid, seen.mode), (Kind::File, 12, 34, 0o4755));
    assert_eq!(seen.mtime, time);

    make_symlink(b"/nowhere", dir.fd(), b"link").unwrap();
    set_owner_at(dir.fd(), b"link", 5, 6).unwrap();
    set_times_at(dir.fd(), b"link", time).unwrap();
    let seen = stat_at(dir.fd(), b"link").unwrap();
    assert_eq!((seen.kind, seen.uid, seen.mtime), (Kind::Symlink, 5, time));
    assert_eq!(read_link(dir.fd(), b"link").unwrap(), b"/nowhere");

    make_node(dir.fd(), b"gone", WHITEOUT, 0).unwrap();
    assert!(stat_at(dir.fd(), b"gone").unwrap().is_whiteout());
    make_node(dir.fd(), b"null", Node::Char { major: 1, minor: 3 }, 0o600).unwrap();
    set_mode_at(dir.fd(), b"null", 0o666).unwrap();
    let seen = stat_at(dir.fd(), b"null").unwrap();
    assert_eq!((seen.kind, seen.rdev, seen.mode), (Kind::Char, (1, 3), 0o666));
    make_node(dir.fd(), b"pipe", Node::Fifo, 0o600).unwrap();
    assert_eq!(stat_at(dir.fd(), b"pipe").unwrap().kind, Kind::Fifo);

    make_link(dir.fd(), b"link", dir.fd(), b"link2").unwrap();
    assert_eq!(stat_at(dir.fd(), b"link2").unwrap().ino, stat_at(dir.fd(), b"link").unwrap().ino);
    assert_eq!(create_file(dir.fd(), b"link", 0o600).unwrap_err().errno, Errno::EEXIST);
}

#[test]
fn the_mode_of_a_link_is_not_that_of_its_target() {
    let dir = Dir::new();
    fs::write(dir.path().join("secret"), "x").unwrap();
    fs::set_permissions(dir.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("secret", dir.path().join("link")).unwrap();
    assert!(set_mode_at(dir.fd(), b"link", 0o777).is_err());
    assert_eq!(fs::metadata(dir.path().join("secret")).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn xattrs_come_and_go() {
    let dir = Dir::new();
    let file = create_file(dir.fd(), b"file", 0o600).unwrap();
    set_xattr(file.as_fd(), b"trusted.berth-test", b"a\0b").unwrap();
    assert_eq!(get_xattr(file.as_fd(), b"trusted.berth-test").unwrap().as_deref(), Some(&b"a\0b"[..]));
    assert_eq!(get_xattr(file.as_fd(), b"trusted.none").unwrap(), None);
    assert_eq!(list_xattrs(file.as_fd()).unwrap(), [b"trusted.berth-test"]);
}

#[test]
fn a_path_stays_inside_its_root() {
    let outside = Dir::new();
    let dir = Dir::new();
    fs::create_dir(dir.path().join("in")).unwrap();
    symlink("/in", dir.path().join("absolute")).unwrap();
    symlink("../../../../in", dir.path().join("up")).unwrap();
    symlink(outside.path(), dir.path().join("out")).unwrap();
    let inode = |fd: OwnedFd| stat(fd.as_fd()).unwrap().ino;
    let expected = fs::metadata(dir.path().join("in")).unwrap().ino();
    for path in [&b"in"[..], b"absolute", b"up", b"/in", b"../in", b"absolute/../up"] {
        assert_eq!(inode(open_dir_in_root(dir.fd(), path).unwrap()), expected);
    }
    assert_eq!(open_dir_in_root(dir.fd(), b"out").unwrap_err().errno, Errno::ENOENT);
    assert_eq!(open_dir(dir.fd(), b"absolute").unwrap_err().errno, Errno::ENOTDIR);
    let deep = b"in/".repeat(2000);
    assert_eq!(open_dir_in_root(dir.fd(), &deep).unwrap_err().errno, Errno::ENAMETOOLONG);
}

#[test]
fn a_tree_is_removed_and_nothing_beyond_it() {
    let outside = Dir::new();
    fs::write(outside.path().join("keep"), "x").unwrap();
    let dir = Dir::new();
    for name in ["a/b/c", "a/d", "e"] {
        fs::create_dir_all(dir.path().join("tree").join(name)).unwrap();
        fs::write(dir.path().join("tree").join(name).join("file"), "x").unwrap();
    }
    symlink(outside.path(), dir.path().join("tree/out")).unwrap();
    symlink(outside.path(), dir.path().join("only-link")).unwrap();
    remove_all(dir.fd(), b"tree").unwrap();
    remove_all(dir.fd(), b"tree").unwrap();
    remove_all(dir.fd(), b"only-link").unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(outside.path().join("keep").exists());
}

/// SEC-58: a tree deeper than any path can name.
#[test]
fn sec_58_a_deep_tree_is_removed() {
    let dir = Dir::new();
    let mut at = reopen_dir(dir.fd()).unwrap();
    for level in 0..20_000 {
        make_dir(at.as_fd(), b"d", 0o755).unwrap();
        if level % 1000 == 0 {
            create_file(at.as_fd(), b"f", 0o600).unwrap();
            make_dir(at.as_fd(), b"e", 0o755).unwrap();
        }
        at = open_dir(at.as_fd(), b"d").unwrap();
    }
    remove_children(dir.fd()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_wide_directory_is_removed() {
    let dir = Dir::new();
    for n in 0..5000 {
        make_dir(dir.fd(), format!("directory-with-a-long-name-{n}").as_bytes(), 0o755).unwrap();
        create_file(dir.fd(), format!("file-{n}").as_bytes(), 0o600).unwrap();
    }
    remove_children(dir.fd()).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn directories_are_listed_and_climbed_out_of() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    fs::write(dir.path().join("file"), "x").unwrap();
    symlink("a", dir.path().join("link")).unwrap();
    assert_eq!(child_dirs(dir.fd()).unwrap(), [b"a"]);
    let a = open_dir(dir.fd(), b"a").unwrap();
    assert_eq!(stat(open_parent(a.as_fd()).unwrap().as_fd()).unwrap().ino, stat(dir.fd()).unwrap().ino);
    assert!(remove_dir(dir.fd(), b"a").is_err());
    remove_dir(a.as_fd(), b"b").unwrap();
    remove_dir(dir.fd(), b"a").unwrap();
}
