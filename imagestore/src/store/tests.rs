//! The store without a registry: opening, recovery, pins, holds.

use std::fs;

use super::*;
use crate::error::Kind;
use crate::ingest::Ingest;
use crate::layers;
use crate::record::Record;

fn open(root: &std::path::Path) -> Result<Store> {
    Store::open(Config::new(root))
}

/// Puts an image of one layer into the store, as a pull would.
fn put(store: &Store, seed: &str) -> Arc<Image> {
    let diff_id = DiffId(Digest::of(seed.as_bytes()));
    let ingest: Ingest = store.0.ingest.create().unwrap();
    fs::create_dir(ingest.path().join("fs")).unwrap();
    fs::write(ingest.path().join("fs/seed"), seed).unwrap();
    let record = Record::new(layers::count(&ingest.path().join("fs")).unwrap().unwrap(), false, &[]);
    record.write(ingest.path()).unwrap();
    store.0.layers.add(diff_id, &record, ingest).unwrap();
    let config = format!(r#"{{"config":{{"User":"{seed}"}},"rootfs":{{"diff_ids":["{diff_id}"]}}}}"#);
    let config = Blob::named_by_itself(config.into());
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":1}}]}}"#,
        config.digest(),
        config.bytes().len(),
        diff_id
    );
    let manifest = Blob::named_by_itself(manifest.into());
    let image = Image {
        id: config.digest(),
        manifest: manifest.digest(),
        tags: Vec::new(),
        digests: Vec::new(),
        size_bytes: 0,
        config: Arc::new(crate::ImageConfig { user: seed.to_owned(), ..Default::default() }),
        layers: vec![diff_id],
        pinned: None,
        documents: vec![config.digest(), manifest.digest()],
    };
    let reference = Reference::parse(&format!("r.example.com/{seed}:1")).unwrap();
    let target = manifest.digest();
    store.0.name(Pulled { reference: &reference, target, image, blobs: vec![config, manifest] }).unwrap()
}

#[test]
fn images_survive_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (a, b) = (put(&store, "a"), put(&store, "b"));
    assert!(store.pin("r.example.com/a:1", Some("the sandbox")).unwrap());
    assert!(!store.pin("r.example.com/none:1", Some("x")).unwrap());
    let (before, usage) = (store.list(), store.fs_usage().unwrap());
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.list(), before);
    assert_eq!(store.fs_usage().unwrap(), usage);
    assert_eq!(store.get("r.example.com/a:1").unwrap().unwrap().pinned.as_deref(), Some("the sandbox"));
    assert_eq!(store.get(&b.id.hex()).unwrap().unwrap().config.user, "b");
    assert!(store.pin(&a.id.hex(), None).unwrap());
    assert_eq!(store.get("r.example.com/a:1").unwrap().unwrap(), a);
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(store);
    open(dir.path()).unwrap();
}

#[test]
fn leftovers_of_a_crash_go_and_layers_stay_until_they_are_collected() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let a = put(&store, "a");
    let layer = a.layers[0];
    store.remove(&a.id.hex(), &HashSet::from([layer])).unwrap();
    drop(store);
    fs::create_dir_all(dir.path().join("ingest/abc/fs/deep")).unwrap();
    fs::write(dir.path().join("ingest/file"), b"").unwrap();
    fs::write(dir.path().join("blobs/sha256").join(Digest::of(b"x").hex()), b"x").unwrap();
    fs::write(dir.path().join("index.new"), b"half").unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("ingest")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path().join("blobs/sha256")).unwrap().count(), 0);
    assert!(store.layer_dir(&layer).exists(), "a container may still run on it");
    assert_eq!(store.gc(&HashSet::from([layer])).unwrap(), 0);
    assert_eq!(store.gc(&HashSet::new()).unwrap(), 1);
    assert!(!store.layer_dir(&layer).exists());
}

#[test]
fn an_image_that_is_not_whole_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (a, b, c, d) = (put(&store, "a"), put(&store, "b"), put(&store, "c"), put(&store, "d"));
    fs::remove_dir_all(store.layer_dir(&a.layers[0]).parent().unwrap()).unwrap();
    drop(store);
    let blob = |digest: &Digest| dir.path().join("blobs/sha256").join(digest.hex());
    fs::write(blob(&b.id), b"damaged").unwrap();
    fs::remove_file(blob(&c.manifest)).unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.list(), [d]);
    assert!(store.get("r.example.com/a:1").unwrap().is_none());
    put(&store, "a");
    assert_eq!(store.list().len(), 2);
}

#[test]
fn a_damaged_index_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let (a, b) = (put(&store, "a"), put(&store, "b"));
    drop(store);
    // The index before knows `a` by name; `b` is found by its documents.
    fs::write(dir.path().join("index"), b"garbage").unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.get("r.example.com/a:1").unwrap().unwrap(), a);
    let unnamed = store.get(&b.id.hex()).unwrap().unwrap();
    assert_eq!((&unnamed.layers, unnamed.tags.len()), (&b.layers, 0));
    assert!(dir.path().join("index.damaged").exists());
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.list().len(), 2);
    // Pulling gives the name back.
    assert_eq!(put(&store, "b").tags, b.tags);
    drop(store);
    for name in ["index", "index.old"] {
        fs::write(dir.path().join(name), b"garbage").unwrap();
    }
    let store = open(dir.path()).unwrap();
    assert_eq!(
        store.list().iter().map(|image| image.id).collect::<HashSet<_>>(),
        HashSet::from([a.id, b.id])
    );
}

#[test]
fn a_held_image_keeps_its_layers() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let a = put(&store, "a");
    let hold = store.hold(&a);
    assert!(store.remove("r.example.com/a:1", &HashSet::new()).unwrap());
    assert!(store.layer_dir(&a.layers[0]).exists());
    assert_eq!(store.read_file(&a, "seed", 10).unwrap().unwrap(), b"a");
    drop(hold);
    assert_eq!(store.gc(&HashSet::new()).unwrap(), 1);
    assert_eq!(store.read_file(&a, "seed", 10).unwrap_err().kind(), Kind::Internal, "it is gone");
}

#[test]
fn a_deep_tree_can_be_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let ingest = store.0.ingest.create().unwrap();
    let mut at = sys::path::open_dir(ingest.path()).unwrap();
    // Deeper than PATH_MAX and than any number of descriptors.
    for _ in 0..3000 {
        sys::path::make_dir_at(&at, "d", 0o755).unwrap();
        at = sys::path::open(
            &at,
            "d",
            sys::path::Open::PATH | sys::path::Open::DIRECTORY,
            sys::path::Within::BeneathNoLinks,
        )
        .unwrap();
    }
    let path = ingest.path().to_owned();
    drop((ingest, at));
    assert!(!path.exists());
}
