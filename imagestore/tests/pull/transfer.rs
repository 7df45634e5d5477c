//! Transfers that go wrong: altered, cut, stalled, refused, too many, too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use imagestore::Kind;
use serde_json::json;

use crate::fake::{Content, Fake, How, Reply};
use crate::images::{self, Image, Tar};
use crate::scene::{Scene, chain};

/// One layer that takes a while.
fn big() -> Image {
    Image::new(vec![Tar::new().file("noise", &images::noise(1 << 20, 7)).gzip()])
}

fn layer_path(image: &Image) -> String {
    format!("/v2/app/blobs/{}", imagestore::Digest::of(&image.layers[0].packed))
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_content_is_refused() {
    let image = big();
    let (manifest, config, layer) =
        ("/v2/app/manifests/1".to_owned(), format!("/v2/app/blobs/{}", image.id()), layer_path(&image));
    for (path, middle) in [(&manifest, false), (&config, false), (&layer, true), (&layer, false)] {
        let mut content = image.alone();
        let body = &mut content.0.get_mut(path).unwrap().1;
        let at = if middle { body.len() / 2 } else { body.len() - 2 };
        body[at] ^= 1;
        let digest = image.digest().to_string();
        let registry = Fake::scripted(content, move |request, content| {
            let mut reply = content.reply(request);
            if request.path.ends_with("/manifests/1") {
                reply.headers.retain(|(name, _)| name != "docker-content-digest");
                reply = reply.with("docker-content-digest", digest.clone());
            }
            reply
        })
        .await;
        let text = Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::DigestMismatch).await;
        assert!(text.contains("expected sha256:") && text.contains("got sha256:"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_names_its_content_or_nothing() {
    let (asked, given) = (images::small("asked"), images::small("given"));
    let mut content = asked.alone();
    let path = format!("/v2/app/manifests/{}", asked.digest());
    content.0.get_mut(&path).unwrap().1 = given.manifest_bytes();
    let registry = Fake::good(content).await;
    let name = format!("{}/app@{}", registry.host(), asked.digest());
    let text = Scene::new().refused(&name, Kind::DigestMismatch).await;
    assert!(text.contains(&format!("expected {}, got {}", asked.digest(), given.digest())), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_sizes_are_refused() {
    for change in [-1_i64, 1, 1 << 40, i64::MIN / 4] {
        let mut image = big();
        let size = image.layers[0].packed.len() as i64 + change;
        image.manifest["layers"][0]["size"] = json!(size);
        let registry = Fake::good(image.alone()).await;
        let scene = Scene::new();
        let error = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::DigestMismatch | Kind::Invalid), "{change}: {}", chain(&error));
        scene.assert_clean();
    }
    // Without a length to compare, the bytes are counted.
    let mut image = big();
    image.manifest["layers"][0]["size"] = json!(image.layers[0].packed.len() - 1);
    let registry = Fake::scripted(image.alone(), |request, content| {
        let reply = content.reply(request);
        match request.is_blob() && reply.body.len() > 1 << 19 {
            true => Reply { headers: vec![], ..reply }.with("connection", "close").how(How::Endless),
            false => reply,
        }
    })
    .await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::DigestMismatch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layer_that_is_not_the_configs_is_refused() {
    let mut image = big();
    image.config["rootfs"]["diff_ids"][0] = json!(imagestore::Digest::of(b"another").to_string());
    image.remake();
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let text = scene.refused(&format!("{}/app:1", registry.host()), Kind::DigestMismatch).await;
    assert!(text.contains("uncompressed"), "{text}");
    assert_eq!(scene.layers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_is_refused() {
    for packed in [
        b"".to_vec(),
        b"hello".to_vec(),
        images::noise(5000, 3),
        vec![0x1f, 0x8b, 8, 0, 1],
        b"\xfd7zXZ\0more".to_vec(),
    ] {
        let mut image = big();
        image.layers[0].packed = packed;
        image.remake();
        let registry = Fake::good(image.alone()).await;
        let scene = Scene::new();
        let error = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap_err();
        assert!(matches!(error.kind(), Kind::Invalid | Kind::DigestMismatch), "{}", chain(&error));
        scene.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_go_on_where_they_ended() {
    let image = big();
    let (path, size) = (layer_path(&image), image.layers[0].packed.len());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let reply = content.reply(request);
        if request.path != path {
            return reply;
        }
        let cut = reply.body.len().min(64 << 10);
        count.fetch_add(cut, Ordering::SeqCst);
        reply.how(How::Cut(cut))
    })
    .await;
    let scene = Scene::new();
    let pulled = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    assert_eq!(scene.store.read_file(&pulled, "noise", 2 << 20).unwrap().unwrap(), images::noise(1 << 20, 7));
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent <= size + size / 20, "{sent} bytes for {size}");
    assert!(registry.count(|request| request.header("range").is_some()) >= 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_ranges_is_read_again() {
    let image = big();
    let path = layer_path(&image);
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let plain = crate::fake::Request { headers: Vec::new(), ..request.clone() };
        let reply = content.reply(&plain);
        match request.path == path && request.earlier < 2 {
            true => reply.how(How::Cut(300_000 * (request.earlier + 1))),
            false => reply,
        }
    })
    .await;
    Scene::new().pull(&format!("{}/app:1", registry.host())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_ranges_are_noticed() {
    for range in ["bytes 0-99/100", "bytes 300001-1048575/1048576", "bytes x", ""] {
        let image = big();
        let path = layer_path(&image);
        let registry = Fake::scripted(image.alone(), move |request, content| {
            let reply = content.reply(request);
            match (request.path == path, request.header("range")) {
                (true, None) => reply.how(How::Cut(300_000)),
                (true, Some(_)) => Reply { headers: vec![], ..reply }.with("content-range", range),
                _ => reply,
            }
        })
        .await;
        let text =
            Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
        assert!(text.contains("asked for bytes 300000-"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_body_is_resumed_and_silence_is_not_endless() {
    let image = big();
    let path = layer_path(&image);
    let stalled = path.clone();
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let reply = content.reply(request);
        if request.path == stalled && request.earlier == 0 { reply.how(How::Stall(400_000)) } else { reply }
    })
    .await;
    Scene::new().pull(&format!("{}/app:1", registry.host())).await.unwrap();

    let began = Instant::now();
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let reply = content.reply(request);
        if request.path == path { reply.how(How::Stall(100)) } else { reply }
    })
    .await;
    let text = Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert!(text.contains("stalled"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(30));

    let registry = Fake::scripted(Content::default(), |_, _| Reply::new(200).how(How::Silence)).await;
    let began = Instant::now();
    let text = Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert!(text.contains("no answer"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_now_and_then_is_a_stall() {
    let image = big();
    let path = layer_path(&image);
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let reply = content.reply(request);
        if request.path == path { reply.how(How::Drip(Duration::from_millis(100))) } else { reply }
    })
    .await;
    let began = Instant::now();
    let text = Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert!(text.contains("stalled"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_waited_for() {
    let registry = Fake::scripted(images::small("a").alone(), |request, content| match request.earlier {
        0 => Reply::new(429).with("retry-after", "1"),
        1 => Reply::new(503),
        _ => content.reply(request),
    })
    .await;
    let began = Instant::now();
    Scene::new().pull(&format!("{}/app:1", registry.host())).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(2), "manifest, config and layers each waited");

    let registry = Fake::scripted(Content::default(), |_, _| Reply::new(429).with("retry-after", "0")).await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::TooManyRequests).await;
    assert_eq!(registry.log().len(), 5);
    let registry = Fake::scripted(Content::default(), |_, _| Reply::new(500)).await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert_eq!(registry.log().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_said_at_once() {
    let scene = Scene::new();
    let began = Instant::now();
    let text = scene.refused("127.0.0.1:1/app:1", Kind::RegistryUnavailable).await;
    assert!(text.contains("no connection") && text.contains("http://127.0.0.1:1"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(10), "refused, not waited for");
    let registry = Fake::good(Content::default()).await;
    let text = scene.refused(&format!("{}/app:1", registry.host()), Kind::NotFound).await;
    assert!(text.contains("check the name"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_pull_ends() {
    let image = big();
    let path = layer_path(&image);
    let registry = Fake::scripted(image.alone(), move |request, content| {
        let reply = content.reply(request);
        if request.path == path { reply.how(How::Stall(200_000)) } else { reply }
    })
    .await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    for _ in 0..3 {
        let gone = tokio::time::timeout(Duration::from_millis(150), scene.pull(&name)).await;
        assert!(gone.is_err(), "it was still under way");
    }
    for _ in 0..100 {
        if scene.ingests() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_cut_off_anywhere_leave_nothing() {
    let image = big();
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    for round in 0..60 {
        let patience = Duration::from_micros(round * 997 % 40_000);
        let cut = tokio::time::timeout(patience, scene.pull(&name)).await;
        if cut.is_ok_and(|pulled| pulled.is_ok()) {
            scene.store.remove(&name, &std::collections::HashSet::new()).unwrap();
        }
    }
    let pulled = scene.pull(&name).await.unwrap();
    assert_eq!(pulled.id, image.id());
    assert!(scene.store.remove(&name, &std::collections::HashSet::new()).unwrap());
    for _ in 0..100 {
        scene.store.gc(&std::collections::HashSet::new()).unwrap();
        if scene.ingests() == 0 && scene.layers() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((scene.ingests(), scene.layers()), (0, 0));
    scene.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_without_end_are_cut() {
    let replies = [
        Reply::new(200).with("x-large", "x".repeat(2 << 20)),
        (0..100_000).fold(Reply::new(200), |reply, n| reply.with(&format!("x-{n}"), "y")),
    ];
    for reply in replies {
        let registry = Fake::scripted(Content::default(), move |_, _| reply.clone()).await;
        Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_and_pulling_at_once_breaks_nothing() {
    let base = Tar::new().file("base", &images::noise(200_000, 5)).gzip();
    let (one, two) = (
        Image::new(vec![base.clone(), Tar::new().file("top", b"one").gzip()]),
        Image::new(vec![base, Tar::new().file("top", b"two").gzip()]),
    );
    let mut content = Content::default();
    one.put(&mut content, "one", "1");
    two.put(&mut content, "two", "1");
    let registry = Fake::good(content).await;
    let scene = Scene::new();
    let names = [format!("{}/one:1", registry.host()), format!("{}/two:1", registry.host())];
    let work = async |name: &str, removes: bool| {
        for _ in 0..20 {
            let pulled = scene.pull(name).await.unwrap();
            // The other image's removal must not have taken our layers.
            let store = scene.store.clone();
            let layers = pulled.layers.clone();
            assert!(layers.iter().all(|layer| store.layer_dir(layer).exists()));
            if removes {
                let name = name.to_owned();
                tokio::task::block_in_place(|| {
                    store.remove(&name, &std::collections::HashSet::new()).unwrap()
                });
            }
        }
    };
    tokio::join!(work(&names[0], true), work(&names[1], false));
    let image = scene.store.get(&names[1]).unwrap().unwrap();
    assert!(scene.read(&image, "base").is_some());
    assert_eq!(scene.ingests(), 0);
}
