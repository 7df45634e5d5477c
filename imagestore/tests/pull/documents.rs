//! Hostile documents: too large, ambiguous, cyclic, for others, for nobody.

use imagestore::{Digest, Kind};
use serde_json::{Value, json};

use crate::fake::{Content, Fake, How, Reply};
use crate::images::{self, Image, OCI_INDEX, OCI_MANIFEST, Tar, descriptor, put_manifest};
use crate::scene::Scene;

async fn refused(change: impl FnOnce(&mut Image), kind: Kind) -> String {
    let mut image = images::small("a");
    change(&mut image);
    let registry = Fake::good(image.alone()).await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), kind).await
}

async fn refused_bytes(bytes: Vec<u8>) -> String {
    let mut content = Content::default();
    put_manifest(&mut content, "app", Some("1"), OCI_MANIFEST, bytes);
    let registry = Fake::good(content).await;
    Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::Invalid).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_and_old_manifests() {
    let text = refused(|image| image.manifest["manifests"] = json!([]), Kind::Invalid).await;
    assert!(text.contains("both an index and a manifest"), "{text}");
    refused(|image| image.manifest["mediaType"] = json!(OCI_INDEX), Kind::Invalid).await;
    let old = json!({"schemaVersion": 1, "name": "app", "tag": "1", "fsLayers": [], "history": []});
    let text = refused_bytes(serde_json::to_vec(&old).unwrap()).await;
    assert!(text.contains("schema 1"), "{text}");
    refused(|image| image.manifest["schemaVersion"] = json!(3), Kind::Invalid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_that_are_none() {
    let text = refused(
        |image| image.manifest["layers"][0]["urls"] = json!(["http://169.254.169.254/x"]),
        Kind::Invalid,
    )
    .await;
    assert!(text.contains("foreign"), "{text}");
    refused(
        |image| {
            image.manifest["layers"][0]["mediaType"] = json!("application/vnd.cncf.helm.chart.v1.tar+gzip")
        },
        Kind::Invalid,
    )
    .await;
    refused(
        |image| image.manifest["layers"][0]["digest"] = json!("sha256:../../../etc/passwd"),
        Kind::Invalid,
    )
    .await;
    refused(|image| image.manifest["layers"][0]["size"] = json!(-1), Kind::Invalid).await;
    refused(|image| image.manifest["layers"][0]["size"] = json!(1.5), Kind::Invalid).await;
    let text = refused(
        |image| image.manifest["layers"].as_array_mut().unwrap().push(json!({"size": 1})),
        Kind::Invalid,
    )
    .await;
    assert!(text.contains("digest"), "{text}");
    let many: Vec<Value> = (0..501).map(|_| descriptor(images::LAYER_GZIP, b"x")).collect();
    let text = refused(|image| image.manifest["layers"] = json!(many), Kind::Invalid).await;
    assert!(text.contains("squash"), "the way out: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn configs_that_do_not_fit() {
    let text = refused(
        |image| {
            image.config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
            image.remake();
        },
        Kind::Invalid,
    )
    .await;
    assert!(text.contains("1 diff_ids for 2 layers"), "{text}");
    let other = |image: &mut Image| {
        image.config["architecture"] = json!("s390x");
        image.remake();
    };
    let text = refused(other, Kind::NotFound).await;
    assert!(text.contains("offers linux/s390x"), "{text}");
    let artifact = |image: &mut Image| {
        image.config = json!({});
        image.remake();
    };
    let text = refused(artifact, Kind::Invalid).await;
    assert!(text.contains("no container image"), "{text}");
    let nul = |image: &mut Image| {
        image.config["config"]["User"] = json!("root\u{0}x");
        image.remake();
    };
    refused(nul, Kind::Invalid).await;
    refused(
        |image| image.manifest["config"]["size"] = json!(image.config_bytes().len() + 1),
        Kind::DigestMismatch,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_meant_to_hurt() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    let mut trailing = images::small("a").manifest_bytes();
    trailing.extend_from_slice(b"{}");
    let twice = br#"{"schemaVersion":2,"schemaVersion":2,"config":{},"layers":[]}"#.to_vec();
    for bytes in [
        deep,
        trailing,
        twice,
        b"\xff\xfe{}".to_vec(),
        b"".to_vec(),
        b"null".to_vec(),
        b"{\"x\":\"\xff\"}".to_vec(),
    ] {
        refused_bytes(bytes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_without_end() {
    let too_large = vec![b' '; (4 << 20) + 1];
    let replies = [
        Reply::new(200).body(too_large),
        Reply::new(200).length(u64::MAX / 2).how(How::Cut(0)),
        Reply::new(200).how(How::Endless),
    ];
    for reply in replies {
        let registry = Fake::scripted(Content::default(), move |_, _| reply.clone()).await;
        let text =
            Scene::new().refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
        assert!(text.contains("more than 4194304 bytes"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_for_others_and_without_bottom() {
    let scene = Scene::new();
    let index =
        |entries: Vec<Value>| serde_json::to_vec(&json!({"schemaVersion": 2, "manifests": entries})).unwrap();
    let pull = async |bytes: Vec<u8>, more: &[Vec<u8>], kind: Kind| {
        let mut content = Content::default();
        put_manifest(&mut content, "app", Some("1"), OCI_INDEX, bytes);
        for document in more {
            put_manifest(&mut content, "app", None, OCI_INDEX, document.clone());
        }
        let registry = Fake::good(content).await;
        scene.refused(&format!("{}/app:1", registry.host()), kind).await
    };
    let text = pull(index(Vec::new()), &[], Kind::NotFound).await;
    assert!(text.contains("offers nothing"), "{text}");
    let mut other = descriptor(OCI_MANIFEST, b"{}");
    other["platform"] = json!({"os": "windows", "architecture": "amd64"});
    let text = pull(index(vec![other]), &[], Kind::NotFound).await;
    assert!(text.contains("offers windows/amd64"), "{text}");
    let many = (0..10_001).map(|_| descriptor(OCI_MANIFEST, b"{}")).collect();
    pull(index(many), &[], Kind::Invalid).await;
    // Digests cannot form a circle, but they can form a well.
    let mut well = vec![index(Vec::new())];
    for _ in 0..12 {
        let top = well.last().unwrap();
        well.push(index(vec![descriptor(OCI_INDEX, top)]));
    }
    let text = pull(well.last().unwrap().clone(), &well, Kind::Invalid).await;
    assert!(text.contains("deep"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_decides_nothing() {
    let image = images::small("a");
    let registry = Fake::scripted(image.alone(), |request, content| {
        let mut reply = content.reply(request);
        reply.headers.retain(|(name, _)| name != "content-type" && name != "docker-content-digest");
        reply.with("content-type", "text/html; charset=latin1")
    })
    .await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    assert_eq!(scene.pull(&name).await.unwrap().id, image.id());
    assert_eq!(scene.pull(&name).await.unwrap().id, image.id(), "also without a digest in the head");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hundred_layers_are_no_problem() {
    let layers: Vec<_> = (0..100).map(|n| Tar::new().file("n", format!("{n}").as_bytes()).gzip()).collect();
    let image = Image::new(layers);
    assert_eq!(image.digest(), Digest::of(&image.manifest_bytes()));
    let registry = Fake::good(image.alone()).await;
    let scene = Scene::new();
    let pulled = scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    assert_eq!(pulled.layers.len(), 100);
    assert_eq!(scene.read(&pulled, "n").unwrap(), b"99");
}
