//! Layers as a container sees them: hard links downwards, silent directories, opaque roots.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use imagestore::Kind;

use crate::fake::{Content, Fake};
use crate::images::{Image, Tar};
use crate::scene::Scene;

async fn pulled(image: &Image) -> (Scene, std::sync::Arc<imagestore::Image>) {
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let pulled = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    (scene, pulled)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_link_into_the_layers_below_takes_their_content() {
    let link = || Tar::new().link(tar::EntryType::Link, "copy", "etc/original").gzip();
    let base = |text: &[u8]| Tar::new().dir("etc", 0o755, 0).file("etc/original", text).gzip();
    let (one, two) = (Image::new(vec![base(b"one"), link()]), Image::new(vec![base(b"two"), link()]));
    let mut content = Content::default();
    one.put(&mut content, "one", "1");
    two.put(&mut content, "two", "1");
    let registry = Fake::good(content).await;
    let scene = Scene::new();
    let first = scene.pull(&format!("{}/one:1", registry.host())).await.unwrap();
    let second = scene.pull(&format!("{}/two:1", registry.host())).await.unwrap();
    assert_eq!(scene.read(&first, "copy").unwrap(), b"one");
    assert_eq!(scene.read(&second, "copy").unwrap(), b"two", "one image's content never shows in another");
    assert_ne!(first.layers[1], second.layers[1]);
    let again = scene.pull(&format!("{}/one:1", registry.host())).await.unwrap();
    assert_eq!(again, first);
    scene.store.gc(&std::collections::HashSet::new()).unwrap();
    assert_eq!(scene.layers(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_link_to_nothing_is_refused() {
    let image = Image::new(vec![
        Tar::new().file("a", b"a").gzip(),
        Tar::new().link(tar::EntryType::Link, "b", "none").gzip(),
    ]);
    let registry = Fake::good(image.alone()).await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::Invalid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_directory_keeps_what_it_was_below() {
    let image = Image::new(vec![
        Tar::new()
            .dir("tmp", 0o1777, 0)
            .dir("home", 0o755, 0)
            .dir("home/app", 0o700, 1000)
            .dir("opt", 0o755, 0)
            .gzip(),
        Tar::new()
            .file("tmp/x", b"x")
            .file("home/app/y", b"y")
            .file("opt/z", b"z")
            .file("new/w", b"w")
            .gzip(),
    ]);
    let (scene, pulled) = pulled(&image).await;
    assert_eq!(pulled.layers.len(), 3, "one layer more, of directories");
    let mending = scene.store.layer_dir(pulled.layers.last().unwrap());
    let mode = |path: &str| {
        let meta = std::fs::metadata(mending.join(path)).unwrap();
        (meta.permissions().mode() & 0o7777, meta.uid())
    };
    assert_eq!(mode("tmp"), (0o1777, 0));
    assert_eq!(mode("home/app"), (0o700, 1000));
    assert_eq!(mode("home"), (0o755, 0));
    assert!(!mending.join("opt").exists() && !mending.join("new").exists(), "nothing was lost there");
    assert_eq!(scene.read(&pulled, "tmp/x").unwrap(), b"x");
    assert_eq!(scene.read(&pulled, "home/app/y").unwrap(), b"y");
    let (id, name) = (pulled.id.to_string(), pulled.tags[0].clone());
    assert_eq!(scene.store.gc(&std::collections::HashSet::new()).unwrap(), 0, "the image keeps it");
    assert_eq!(scene.store.get(&name).unwrap().unwrap().id.to_string(), id);
    assert!(scene.store.remove(&id, &std::collections::HashSet::new()).unwrap());
    assert_eq!(scene.layers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opaque_root_hides_all_below() {
    let image = Image::new(vec![
        Tar::new().file("below", b"1").gzip(),
        Tar::new().file(".wh..wh..opq", b"").file("above", b"2").gzip(),
    ]);
    let (scene, pulled) = pulled(&image).await;
    assert_eq!(pulled.layers.len(), 1);
    assert_eq!(scene.read(&pulled, "below"), None);
    assert_eq!(scene.read(&pulled, "above").unwrap(), b"2");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_image_are_read_with_care() {
    let image = Image::new(vec![
        Tar::new()
            .dir("etc", 0o755, 0)
            .file("etc/a", b"old")
            .file("etc/b", b"b")
            .file("host", b"inside")
            .gzip(),
        Tar::new()
            .dir("etc", 0o755, 0)
            .file("etc/a", b"new")
            .fifo("etc/fifo")
            .link(tar::EntryType::Symlink, "etc/up", "../../../../../host")
            .link(tar::EntryType::Symlink, "etc/abs", "/etc/up")
            .link(tar::EntryType::Symlink, "etc/loop", "loop")
            .link(tar::EntryType::Symlink, "etc/dangling", "/nowhere")
            .gzip(),
    ]);
    let (scene, pulled) = pulled(&image).await;
    assert_eq!(scene.read(&pulled, "/etc/a").unwrap(), b"new");
    assert_eq!(scene.read(&pulled, "/etc/b").unwrap(), b"b");
    assert_eq!(scene.read(&pulled, "/etc/up").unwrap(), b"inside");
    assert_eq!(scene.read(&pulled, "/etc/abs").unwrap(), b"inside");
    assert_eq!(scene.read(&pulled, "../../etc/./b").unwrap(), b"b");
    for none in ["/etc/dangling", "/etc/none", "/etc/a/b", "/none/a"] {
        assert_eq!(scene.read(&pulled, none), None, "{none}");
    }
    for refused in ["/etc/fifo", "/etc", "/", "/etc/loop"] {
        let error = scene.store.read_file(&pulled, refused, 100).expect_err(refused);
        assert_eq!(error.kind(), Kind::Invalid, "{refused}: {error}");
    }
    assert!(scene.store.read_file(&pulled, "/etc/a", 2).is_err(), "too large");
    assert!(scene.store.read_file(&pulled, "/etc/a", 3).is_ok());
}
