//! Pulls that work: formats, names, sharing, moving tags, removal.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use imagestore::{Progress, PullHooks, STEPS};
use serde_json::json;

use crate::fake::{Content, Fake};
use crate::images::{
    self, DOCKER_LIST, DOCKER_MANIFEST, Image, OCI_INDEX, OCI_MANIFEST, Tar, descriptor, put_manifest,
};
use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_arrives_whole() {
    let image = Image::new(vec![
        Tar::new()
            .dir("etc", 0o755, 0)
            .file("etc/passwd", b"root:x:0:0::/:/bin/sh\n")
            .file("etc/gone", b"1")
            .gzip(),
        Tar::new().file("etc/.wh.gone", b"").file("zstd", b"z").zstd(),
        Tar::new().file("plain", b"p").link(tar::EntryType::Symlink, "etc/link", "../plain").plain(),
    ]);
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let (steps, progress) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::<Progress>::new())));
    let (reached, told) = (steps.clone(), progress.clone());
    let hooks = PullHooks {
        step: Arc::new(move |name| {
            reached.lock().unwrap().push(name);
            Ok(())
        }),
        progress: Arc::new(move |now| told.lock().unwrap().push(now)),
    };
    let name = format!("{}/app:1", registry.host());
    let pulled = scene.store.pull(&name, None, hooks).await.unwrap();

    assert_eq!(pulled.id, image.id());
    assert_eq!(pulled.manifest, image.digest());
    assert_eq!(pulled.tags, std::slice::from_ref(&name));
    assert_eq!(pulled.digests, [format!("{}/app@{}", registry.host(), image.digest())]);
    assert_eq!(pulled.layers.len(), 3);
    assert_eq!(
        (pulled.config.user.as_str(), pulled.config.cmd.as_slice()),
        ("1000:1000", &["sh".to_owned()][..])
    );
    assert!(pulled.size_bytes > 0);
    assert_eq!(scene.read(&pulled, "/etc/passwd").unwrap(), b"root:x:0:0::/:/bin/sh\n");
    assert_eq!(scene.read(&pulled, "/etc/gone"), None);
    assert_eq!(scene.read(&pulled, "etc/link").unwrap(), b"p");
    assert_eq!(scene.read(&pulled, "zstd").unwrap(), b"z");

    let steps: HashSet<&str> = steps.lock().unwrap().iter().copied().collect();
    assert_eq!(steps, STEPS.iter().copied().collect(), "every step is announced");
    let last = *progress.lock().unwrap().last().unwrap();
    assert_eq!((last.layers_total, last.layers_done), (3, 3));
    assert_eq!(last.bytes_done, last.bytes_total);
    assert_eq!(scene.ingests(), 0);
    let usage = scene.store.fs_usage().unwrap();
    assert!(usage.bytes > 0 && usage.inodes > 8, "{usage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_lists_and_nested_indexes_lead_to_this_platform() {
    let architecture = imagestore::Platform::host().architecture;
    let mut image = images::small("here");
    image.manifest["mediaType"] = json!(DOCKER_MANIFEST);
    image.manifest["config"]["mediaType"] = json!("application/vnd.docker.container.image.v1+json");
    for layer in image.manifest["layers"].as_array_mut().unwrap() {
        layer["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
    }
    let mut content = Content::default();
    image.put_parts(&mut content, "app");
    let platform = |mut descriptor: serde_json::Value, architecture: &str| {
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
        descriptor
    };
    let foreign = json!({"mediaType": DOCKER_MANIFEST, "digest": format!("sha512:{}", "0".repeat(128)), "size": 5,
        "platform": {"os": "linux", "architecture": "s390x"}});
    let attestation = json!({"mediaType": OCI_MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 5,
        "platform": {"os": "unknown", "architecture": "unknown"}});
    let here = platform(descriptor(DOCKER_MANIFEST, &image.manifest_bytes()), &architecture);
    let list =
        json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [foreign, attestation, here]});
    let list = serde_json::to_vec(&list).unwrap();
    put_manifest(&mut content, "app", None, DOCKER_LIST, list.clone());
    let outer = json!({"schemaVersion": 2, "manifests": [descriptor(DOCKER_LIST, &list)]});
    let outer = serde_json::to_vec(&outer).unwrap();
    put_manifest(&mut content, "app", Some("1"), OCI_INDEX, outer.clone());

    let registry = Fake::good(content).await;
    let scene = Scene::new();
    let pulled = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    assert_eq!((pulled.id, pulled.manifest), (image.id(), image.digest()));
    let outer = imagestore::Digest::of(&outer);
    assert_eq!(
        pulled.digests,
        [format!("{}/app@{outer}", registry.host())],
        "the digest is that of what was named"
    );
    assert_eq!(scene.read(&pulled, "/seed").unwrap(), b"here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_image_costs_one_request() {
    let registry = Fake::good(images::small("a").alone()).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let first = scene.pull(&name).await.unwrap();
    registry.clear();
    let second = scene.pull(&name).await.unwrap();
    assert_eq!(first, second);
    let log = registry.log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(log[0].method, "HEAD");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_lead_to_the_image_and_move() {
    let (old, new) = (images::small("old"), images::small("new"));
    let mut content = Content::default();
    old.put(&mut content, "app", "1");
    new.put(&mut content, "app", "2");
    let moved = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (switch, to) = (moved.clone(), new.manifest_bytes());
    let registry = Fake::scripted(content, move |request, content| {
        let reply = content.reply(request);
        match request.path.ends_with("/manifests/1") && switch.load(std::sync::atomic::Ordering::SeqCst) {
            true => {
                let mut reply = reply.body(to.clone());
                reply.headers.retain(|(name, _)| name != "docker-content-digest");
                reply.with("docker-content-digest", imagestore::Digest::of(&to).to_string())
            }
            false => reply,
        }
    })
    .await;
    let scene = Scene::new();
    let (name, repository) = (format!("{}/app:1", registry.host()), format!("{}/app", registry.host()));
    let first = scene.pull(&name).await.unwrap();
    let by_digest = scene.pull(&format!("{repository}:ignored@{}", old.digest())).await.unwrap();
    assert_eq!(first, by_digest, "the same image, without another tag");

    let id = first.id.to_string();
    let hex = first.id.hex();
    let digest = format!("{repository}@{}", old.digest());
    let both = format!("{repository}:1@{}", old.digest());
    let manifest = old.digest().to_string();
    for any in [&name, &id, &hex, &hex[..12], &id[..20], &digest, &both, &manifest] {
        assert_eq!(scene.store.get(any).unwrap().unwrap().id, first.id, "{any}");
    }
    assert!(scene.store.get(&format!("{repository}:none")).unwrap().is_none());
    assert!(scene.store.get("not a name").is_err());

    moved.store(true, std::sync::atomic::Ordering::SeqCst);
    let second = scene.pull(&name).await.unwrap();
    assert_eq!(second.id, new.id());
    assert_eq!(second.tags, std::slice::from_ref(&name));
    let first = scene.store.get(&id).unwrap().unwrap();
    assert!(first.tags.is_empty(), "the tag moved");
    assert_eq!(first.digests, [digest]);
    assert_eq!(scene.store.list().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_layers_are_fetched_once_and_stay_while_used() {
    let base = Tar::new().file("base", &images::noise(1 << 20, 1)).gzip();
    let (one, two) = (
        Image::new(vec![base.clone(), Tar::new().file("top", b"one").gzip()]),
        Image::new(vec![base.clone(), Tar::new().file("top", b"two").gzip(), base.clone()]),
    );
    let mut content = Content::default();
    one.put(&mut content, "one", "1");
    two.put(&mut content, "two", "1");
    let registry = Fake::good(content).await;
    let scene = Scene::new();
    let (name_one, name_two) = (format!("{}/one:1", registry.host()), format!("{}/two:1", registry.host()));
    let (first, second) = tokio::join!(scene.pull(&name_one), scene.pull(&name_two));
    let (first, second) = (first.unwrap(), second.unwrap());
    let blob = imagestore::Digest::of(&base.packed).to_string();
    assert_eq!(registry.count(|request| request.path.ends_with(&blob)), 1);
    assert_eq!(second.layers.len(), 2, "a layer listed twice is stacked once");
    assert_eq!(second.layers[1].0, base.diff_id, "at its highest place");
    assert_eq!(scene.layers(), 3);

    let usage = scene.store.fs_usage().unwrap();
    assert!(scene.store.remove(&name_one, &HashSet::new()).unwrap());
    assert!(!scene.store.remove(&name_one, &HashSet::new()).unwrap(), "removing again is no error");
    assert_eq!(scene.layers(), 2);
    assert!(scene.store.fs_usage().unwrap().bytes < usage.bytes);
    let in_use: HashSet<_> = second.layers.iter().copied().collect();
    assert!(scene.store.remove(&second.id.hex()[..12], &in_use).unwrap());
    assert_eq!(scene.layers(), 2, "a container still runs");
    assert!(scene.store.list().is_empty());
    assert_eq!(scene.store.gc(&in_use).unwrap(), 0);
    assert_eq!(scene.store.gc(&HashSet::new()).unwrap(), 2);
    assert_eq!(scene.layers(), 0);
    assert_eq!(scene.store.fs_usage().unwrap(), imagestore::FsUsage::default());
    assert_eq!(scene.ingests(), 0);
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_pulls_are_one() {
    let image = Image::new(vec![Tar::new().file("x", &images::noise(1 << 20, 2)).gzip()]);
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let pulls = (0..32).map(|_| scene.pull(&name));
    for result in futures_util::future::join_all(pulls).await {
        assert_eq!(result.unwrap().id, image.id());
    }
    assert_eq!(registry.log().len(), 3, "one manifest, one config, one layer");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_layers_is_an_image() {
    let image = Image::new(Vec::new());
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let pulled = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    assert!(pulled.layers.is_empty() && pulled.size_bytes > 0);
    assert_eq!(scene.read(&pulled, "/etc/passwd"), None);
}
