//! Images that must not become images: each refusal with its code, a text that names the thing, and nothing left behind.

use std::net::{Ipv4Addr, TcpListener};

use e2e::refused;
use harness::{
    Node, Result, container,
    image::{self, Compression, Image, Layer, LayerBuilder, Manifest, digest},
    run,
};
use serde_json::json;
use tonic::Code;

fn small() -> Result<Layer> {
    LayerBuilder::new().file("a", 0o644, "content")?.build(Compression::Gzip)
}

#[test]
fn names_that_lead_nowhere() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let absent = format!("{}@sha256:{}", node.registry.reference("library/busybox"), "0".repeat(64));
        let cases = [
            (node.registry.reference("no/such/image:1"), "no/such/image"),
            (node.registry.reference("library/busybox:no-such-tag"), "no-such-tag"),
            (absent, "0000"),
        ];
        for (reference, word) in cases {
            refused(node.cri.pull(&reference).await, &[Code::NotFound], &[word])?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn a_registry_that_is_down_is_said_in_kubelets_word() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let answer = node.cri.pull(&format!("{closed}/some/image:1")).await;
        refused(answer.clone(), &[Code::Unknown], &[&closed.to_string()])?;
        let text = answer.err().map(|status| status.message().to_owned()).unwrap_or_default();
        assert!(text.starts_with("RegistryUnavailable: "), "kubelet tests the beginning: {text}");
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn references_that_are_none() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let long = "a".repeat(300);
        for reference in [
            "",
            "docker.io/UPPER/case:1",
            "a b",
            "name:",
            ":tag",
            "name@sha256:123",
            "name@md5:abc",
            "../../etc/passwd",
            "name:tag:tag",
            &long,
            "http://host/name",
            "name\n:1",
        ] {
            refused(node.cri.pull(reference).await, &[Code::InvalidArgument], &["image"])
                .map_err(|failure| failure.about(reference))?;
        }
        node.settle(&before).await?;
        node.finish().await
    })
}

/// Pushes a manifest that tells a lie and expects the pull to fail without a trace.
async fn lie(node: &Node, name: &str, manifest: &Manifest, words: &[&str]) -> Result {
    let before = node.leftovers()?;
    // Some lies a real registry refuses to store; those are imagestore's own tests, with a registry that plays along.
    node.registry.push_manifest(&format!("lies/{name}"), "1", manifest)?;
    let answer = node.cri.pull(&node.registry.reference(&format!("lies/{name}:1"))).await;
    refused(answer, &[Code::FailedPrecondition, Code::InvalidArgument, Code::DataLoss], words)?;
    assert!(node.cri.images().await?.is_empty(), "{name}");
    node.settle(&before).await
}

fn manifest_of(config: &[u8], layers: serde_json::Value) -> Manifest {
    let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
    let body = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": config.len() },
        "layers": layers,
    });
    Manifest { media_type, bytes: body.to_string().into_bytes() }
}

#[test]
fn layers_that_are_not_what_they_claim() -> Result {
    run(async {
        let node = Node::start().await?;
        let good = small()?;
        let media = "application/vnd.oci.image.layer.v1.tar+gzip";

        // The content has another diff_id than the configuration says.
        let other = Layer::forged(good.bytes.clone(), digest(b"another tree"), Compression::Gzip);
        let image = Image::new().layer(other);
        node.registry.push_blob("lies/diff-id", &good.bytes)?;
        node.registry.push_blob("lies/diff-id", &image.config_bytes())?;
        lie(&node, "diff-id", &image.manifest(), &["config", "expected"]).await?;

        // Cut off in the middle of the gzip stream.
        let cut = Layer::forged(
            good.bytes[..good.bytes.len() / 2].to_vec(),
            good.diff_id.clone(),
            Compression::Gzip,
        );
        let image = Image::new().layer(cut.clone());
        node.registry.push_blob("lies/cut", &cut.bytes)?;
        node.registry.push_blob("lies/cut", &image.config_bytes())?;
        lie(&node, "cut", &image.manifest(), &[&cut.digest[7..19]]).await?;

        // No archive at all.
        let noise = Layer::forged(
            b"this is no tar archive, and no gzip either".to_vec(),
            digest(b"x"),
            Compression::Gzip,
        );
        let image = Image::new().layer(noise.clone());
        node.registry.push_blob("lies/noise", &noise.bytes)?;
        node.registry.push_blob("lies/noise", &image.config_bytes())?;
        lie(&node, "noise", &image.manifest(), &[&noise.digest[7..19]]).await?;

        // One layer in the manifest, none in the configuration.
        let config = Image::new().config_bytes();
        node.registry.push_blob("lies/count", &config)?;
        node.registry.push_blob("lies/count", &good.bytes)?;
        let manifest = manifest_of(
            &config,
            json!([{ "mediaType": media, "digest": good.digest, "size": good.bytes.len() }]),
        );
        lie(&node, "count", &manifest, &["layer"]).await?;

        // The descriptor's size is not the blob's.
        let image = Image::new().layer(good.clone());
        node.registry.push_blob("lies/size", &image.config_bytes())?;
        node.registry.push_blob("lies/size", &good.bytes)?;
        let manifest = manifest_of(
            &image.config_bytes(),
            json!([{ "mediaType": media, "digest": good.digest, "size": good.bytes.len() - 1 }]),
        );
        lie(&node, "size", &manifest, &["size"]).await?;
        node.finish().await
    })
}

#[test]
fn no_image_for_this_machine() -> Result {
    run(async {
        let node = Node::start().await?;
        let before = node.leftovers()?;
        let foreign = image::busybox()?.architecture(image::foreign_architecture());
        let native = image::busybox()?;
        node.registry.push_index("lies/foreign", "with-native", &[&foreign, &native])?;
        // The same index without the one that fits.
        node.registry.push_manifest(
            "lies/foreign",
            "1",
            &Manifest::index(image::Format::Oci, &[&foreign]),
        )?;
        let answer = node.cri.pull(&node.registry.reference("lies/foreign:1")).await;
        refused(answer, &[Code::NotFound, Code::FailedPrecondition], &[image::native_architecture()])?;
        node.settle(&before).await?;
        node.finish().await
    })
}

#[test]
fn entries_that_climb_stay_inside() -> Result {
    run(async {
        let node = Node::start().await?;
        let target = format!("berth-escape-{}", std::process::id());
        let outside = std::env::temp_dir().join(&target);
        let climb = format!("{}tmp/{target}", "../".repeat(20));
        let layer = LayerBuilder::new()
            .symlink("way-out", "/tmp")?
            .symlink("up", "../../../../../../../../tmp")?
            .raw_file(climb.as_bytes(), b"climbed")?
            .raw_file(format!("/tmp/{target}").as_bytes(), b"absolute")?
            .raw_file(format!("way-out/{target}").as_bytes(), b"through a link")?
            .raw_file(format!("up/{target}").as_bytes(), b"through a link up")?
            .build(Compression::Gzip)?;
        node.registry.push("hostile/climb", "1", &image::busybox()?.layer(layer))?;
        let reference = node.registry.reference("hostile/climb:1");
        // Contained or refused, never outside.
        match node.cri.pull(&reference).await {
            Ok(_) => {
                let pod = node.run_pod(&node.pod("p")).await?;
                let one = container("c").image(&reference).command(["cat", &format!("/tmp/{target}")]);
                assert!(!node.output(&pod, &one).await?.is_empty(), "what was contained is inside");
            }
            Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
        }
        assert!(!outside.exists(), "{} was written on the node", outside.display());
        node.finish().await
    })
}

#[test]
fn whiteouts_of_nothing_and_of_the_parent_are_refused() -> Result {
    run(async {
        let node = Node::start().await?;
        for (number, name) in [".wh..", ".wh...", "a/.wh..", "a/.wh.", ".wh."].into_iter().enumerate() {
            let before = node.leftovers()?;
            let layer = LayerBuilder::new()
                .dir("a", 0o755)?
                .raw_file(name.as_bytes(), b"")?
                .build(Compression::Gzip)?;
            node.registry.push("hostile/whiteout", &number.to_string(), &image::busybox()?.layer(layer))?;
            let answer = node.cri.pull(&node.registry.reference(&format!("hostile/whiteout:{number}"))).await;
            refused(answer, &[Code::FailedPrecondition, Code::InvalidArgument], &["whiteout"])?;
            node.settle(&before).await?;
        }
        node.finish().await
    })
}
