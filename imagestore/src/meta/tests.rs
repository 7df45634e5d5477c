//! The index file: round trips, every damaged byte, the version before.

use super::*;
use proptest::prelude::*;

fn entry(seed: &str) -> Entry {
    let digest = Digest::of(seed.as_bytes());
    Entry {
        id: digest,
        manifest: digest,
        documents: vec![digest],
        layers: vec![DiffId(digest)],
        tags: vec![format!("docker.io/library/{seed}:1")],
        digests: vec![format!("docker.io/library/{seed}@{digest}")],
        pinned: Some("a reason".to_owned()),
    }
}

#[test]
fn round_trip() {
    for entries in [vec![], vec![entry("a")], vec![entry("a"), entry("b")]] {
        assert_eq!(decode(&encode(&entries).unwrap()).unwrap(), entries);
    }
}

#[test]
fn any_damaged_byte_is_noticed() {
    let file = encode(&[entry("a")]).unwrap();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 0x10;
        assert!(decode(&damaged).is_err(), "byte {at}");
        assert!(decode(&file[..at]).is_err(), "cut at {at}");
    }
    assert!(decode(&[file, vec![0]].concat()).is_err(), "more than announced");
}

#[test]
fn replacing_keeps_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let index = IndexFile::at(dir.path());
    assert_eq!(index.read().unwrap(), Found::Nothing);
    index.replace(&[entry("a")]).unwrap();
    assert_eq!(index.read().unwrap(), Found::Whole(vec![entry("a")]));
    index.replace(&[entry("b")]).unwrap();
    index.replace(&[entry("c")]).unwrap();
    assert_eq!(index.read().unwrap(), Found::Whole(vec![entry("c")]));

    fs::write(index.path(), b"BERTHIMG").unwrap();
    let Found::Older { entries, why } = index.read().unwrap() else { panic!("the older one is there") };
    assert_eq!(entries, [entry("b")]);
    assert!(why.contains("cut short"));
    fs::remove_file(index.path()).unwrap();
    assert!(matches!(index.read().unwrap(), Found::Older { .. }));
    fs::write(index.old_path(), b"").unwrap();
    assert!(matches!(index.read().unwrap(), Found::Lost { .. }));
    index.set_aside().unwrap();
    assert_eq!(index.read().unwrap(), Found::Nothing);
    assert!(dir.path().join("index.old.damaged").exists());
}

#[test]
fn a_newer_format_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let index = IndexFile::at(dir.path());
    let mut file = encode(&[entry("a")]).unwrap();
    file[8] = 2;
    fs::write(index.path(), &file).unwrap();
    let error = index.read().unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt { .. }) && error.to_string().contains("format version 2"),
        "{error}"
    );
    assert_eq!(fs::read(index.path()).unwrap(), file);
}

#[test]
fn the_reserve_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let index = IndexFile::at(dir.path());
    index.reserve();
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(index.reserve_path()).unwrap());
    index.reserve();
    assert_eq!(std::os::unix::fs::MetadataExt::ino(&fs::metadata(index.reserve_path()).unwrap()), inode);
}

proptest! {
    #[test]
    fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&noise);
        let _ = decode(&[MAGIC.as_slice(), &noise].concat());
    }
}
