//! A disk that is full: said as such, nothing left, and removing still works.

use std::collections::HashSet;
use std::path::PathBuf;

use imagestore::{Kind, PullHooks, Store};

use crate::fake::Fake;
use crate::images::{self, Image, Tar};
use crate::scene::{chain, config};

/// A small file system of our own.
struct Disk(PathBuf, #[expect(dead_code, reason = "removes the place when it is dropped")] tempfile::TempDir);

impl Disk {
    fn new(options: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("disk");
        std::fs::create_dir(&place).unwrap();
        sys::mount::mount_with_data("tmpfs", &place, options).unwrap();
        Self(place, dir)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = sys::mount::detach(&self.0);
    }
}

async fn exhausted(disk: &Disk, image: &Image) {
    let registry = Fake::good(image.alone()).await;
    let small = images::small("small");
    let other = Fake::good(small.alone()).await;
    let store = Store::open(config(disk.0.join("images"))).unwrap();
    let kept = format!("{}/app:1", other.host());
    store.pull(&kept, None, PullHooks::default()).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    let name = format!("{}/app:1", registry.host());
    let error = store.pull(&name, None, PullHooks::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Exhausted, "{}", chain(&error));
    assert_eq!(std::fs::read_dir(disk.0.join("images/ingest")).unwrap().count(), 0);
    assert_eq!(store.list().len(), 1, "what was there is there");
    // Fill what is left: removing must not need space.
    let mut filler = std::fs::File::create(disk.0.join("filler")).unwrap();
    let block = [1; 4096];
    while std::io::Write::write_all(&mut filler, &block).is_ok() {}
    assert!(store.remove(&kept, &HashSet::new()).unwrap());
    assert!(store.list().is_empty());
    drop(store);
    assert!(Store::open(config(disk.0.join("images"))).unwrap().list().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_no_space_left() {
    let disk = Disk::new("size=3m");
    exhausted(&disk, &Image::new(vec![Tar::new().file("big", &images::noise(4 << 20, 1)).gzip()])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_no_inodes_left() {
    let disk = Disk::new("size=16m,nr_inodes=60");
    let many = (0..100).fold(Tar::new(), |tar, n| tar.file(&format!("f{n}"), b""));
    exhausted(&disk, &Image::new(vec![many.gzip()])).await;
}
