//! Layers on disk: arrival, holds, sweeping, what a lost record means.

use super::*;

struct Scene {
    dir: tempfile::TempDir,
    ingest: IngestRoot,
    layers: Arc<Layers>,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let ingest = IngestRoot::open(dir.path()).unwrap();
    let layers = Arc::new(Layers::open(dir.path()).unwrap());
    Scene { dir, ingest, layers }
}

fn id(seed: &str) -> DiffId {
    DiffId(Digest::of(seed.as_bytes()))
}

impl Scene {
    fn add(&self, seed: &str) -> DiffId {
        let ingest = self.ingest.create().unwrap();
        fs::create_dir(ingest.path().join("fs")).unwrap();
        fs::write(ingest.path().join("fs/file"), seed).unwrap();
        let record = Record::new(FsUsage { bytes: 8192, inodes: 2 }, false, &[b"a\xff".to_vec()]);
        record.write(ingest.path()).unwrap();
        self.layers.add(id(seed), &record, ingest).unwrap();
        id(seed)
    }

    fn ingests(&self) -> usize {
        fs::read_dir(self.dir.path().join("ingest")).unwrap().count()
    }
}

#[test]
fn a_layer_arrives_and_is_found_again() {
    let scene = scene();
    let a = scene.add("a");
    assert_eq!(scene.ingests(), 0);
    for layers in [Arc::clone(&scene.layers), Arc::new(Layers::open(scene.dir.path()).unwrap())] {
        assert!(layers.is_present(&a) && !layers.is_present(&id("b")));
        assert_eq!(layers.total(), FsUsage { bytes: 8192, inodes: 2 });
        assert_eq!(layers.record(&a).implied(), [b"a\xff".to_vec()]);
        assert_eq!(fs::read(layers.tree(&a).join("file")).unwrap(), b"a");
    }
}

#[test]
fn arriving_twice_is_no_error() {
    let scene = scene();
    scene.add("a");
    scene.add("a");
    assert_eq!(scene.ingests(), 0, "the copy is gone");
    assert_eq!(scene.layers.total().inodes, 2);
}

#[test]
fn what_is_held_stays() {
    let scene = scene();
    let (a, b) = (scene.add("a"), scene.add("b"));
    let hold = scene.layers.hold(&[a, id("to come")]);
    let more = scene.layers.hold(&[a]);
    assert_eq!(scene.layers.sweep(&scene.ingest, |_| false).unwrap(), 1);
    assert!(scene.layers.is_present(&a) && !scene.layers.is_present(&b));
    drop(hold);
    assert_eq!(scene.layers.sweep(&scene.ingest, |_| false).unwrap(), 0);
    drop(more);
    assert_eq!(scene.layers.sweep(&scene.ingest, |layer| *layer == a).unwrap(), 0);
    assert_eq!(scene.layers.sweep(&scene.ingest, |_| false).unwrap(), 1);
    assert_eq!((scene.layers.total(), scene.ingests()), (FsUsage::default(), 0));
    assert!(scene.layers.table().held.is_empty());
}

#[test]
fn a_lost_record_is_counted_anew() {
    let scene = scene();
    let a = scene.add("a");
    let tree = scene.layers.tree(&a);
    fs::hard_link(tree.join("file"), tree.join("link")).unwrap();
    fs::write(tree.parent().unwrap().join("record"), b"{").unwrap();
    let layers = Layers::open(scene.dir.path()).unwrap();
    let usage = layers.usage(&a).unwrap();
    assert_eq!(usage.inodes, 2, "the directory and one file with two names");
    assert!(usage.bytes >= 4096);
}

#[test]
fn strangers_are_left_alone() {
    let scene = scene();
    fs::create_dir(scene.dir.path().join("layers/lost+found")).unwrap();
    let layers = Layers::open(scene.dir.path()).unwrap();
    layers.sweep(&scene.ingest, |_| false).unwrap();
    assert!(scene.dir.path().join("layers/lost+found").exists());
}
