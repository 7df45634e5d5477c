//! The same tree as GNU tar makes of it, in every format that GNU tar writes.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

use imagestore::unpack::{Limits, apply};

use crate::scene::Scene;

#[test]
fn gnu_tar_and_we_make_the_same_tree() {
    if !Path::new("/usr/bin/tar").exists() {
        return;
    }
    let source = tempfile::tempdir().unwrap();
    plant(source.path());
    for format in ["gnu", "oldgnu", "pax", "ustar", "posix"] {
        let archive = source.path().with_extension(format);
        // ustar has no room for the long names.
        let long = if format == "ustar" { "--exclude=./long" } else { "--exclude=./nothing" };
        let sparse = if format == "ustar" { "--exclude=./sparse" } else { "--sparse" };
        tar(
            &["-cf", archive.to_str().unwrap(), "--format", format, "--numeric-owner", long, sparse, "-C"],
            source.path(),
            true,
        );

        let theirs = Scene::new();
        tar(
            &["-xpf", archive.to_str().unwrap(), "--numeric-owner", "--same-owner", "-C"],
            &theirs.path(),
            false,
        );
        let ours = Scene::new();
        apply(fs::File::open(&archive).unwrap(), ours.dest(), &Limits::default()).unwrap();
        fs::remove_file(&archive).unwrap();

        let (ours, theirs) = (ours.tree(), theirs.tree());
        assert!(ours.len() >= 10, "{format}: {ours:#?}");
        assert_eq!(ours, theirs, "{format}");
    }
}

fn tar(arguments: &[&str], directory: &Path, all: bool) {
    let mut command = sys::process::command("/usr/bin/tar");
    command.args(arguments).arg(directory).args(all.then_some("."));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn plant(root: &Path) {
    let at = |name: &str| root.join(name);
    fs::create_dir_all(at("a/b/c")).unwrap();
    fs::write(at("a/file"), "content").unwrap();
    fs::write(at("a/b/empty"), "").unwrap();
    fs::write(at("a/b/large"), vec![b'x'; 700_001]).unwrap();
    fs::hard_link(at("a/file"), at("a/b/hard")).unwrap();
    symlink("../file", at("a/b/soft")).unwrap();
    symlink("/nowhere", at("dangling")).unwrap();
    fs::write(at("suid"), "x").unwrap();
    chown(at("suid"), Some(1000), Some(1001)).unwrap();
    fs::set_permissions(at("suid"), fs::Permissions::from_mode(0o6755)).unwrap();
    chown(at("a/b/c"), Some(3_000_000_000), Some(2_200_000)).unwrap();
    fs::remove_dir(at("a/b/c")).unwrap();
    fs::create_dir(at("sticky")).unwrap();
    fs::set_permissions(at("sticky"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::write(at("name with\nnewline and \u{fc}"), "x").unwrap();
    let long = at("long").join("directory-with-a-rather-long-name/".repeat(6));
    fs::create_dir_all(&long).unwrap();
    fs::write(long.join("f".repeat(200)), "x").unwrap();
    symlink("t".repeat(150), long.join("link")).unwrap();
    fs::hard_link(long.join("f".repeat(200)), long.join("hard")).unwrap();
    let sparse = fs::File::create(at("sparse")).unwrap();
    sparse.set_len(5 << 20).unwrap();
    for n in 0..30u64 {
        std::os::unix::fs::FileExt::write_all_at(&sparse, b"island", n * 150_000).unwrap();
    }
    for (n, name) in ["a/file", "a/b", "a", "suid", "sticky", "long", "sparse"].iter().enumerate() {
        let file = fs::File::open(at(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000 + n as u64))
            .unwrap();
    }
}
