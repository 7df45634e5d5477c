//! Every image critest names, under its own name: stand-ins from Debian packages and two programs of ours.
//!
//! The suite compares names and tags, so nothing is renamed: all repositories lie in one registry under their path
//! without the host, and the runtime is told that this registry mirrors every host. The shapes differ on purpose:
//! OCI manifest, OCI index, Docker list; where there are several platforms, a foreign one comes first.

mod base;
mod web;

use harness::{
    Registry, Result,
    image::{Compression, Format, Image, Layer, LayerBuilder, foreign_architecture, native_architecture},
};
use serde_json::json;

use self::{
    base::{GROUP, PASSWD},
    web::Web,
};

/// Repositories of the end-to-end tests' images.
const E2E: &str = "e2e-test-images";
/// Repositories of critest's own images.
const OWN: &str = "k8s-staging-cri-tools";

/// How an image lies in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    OciManifest,
    OciIndex,
    DockerList,
}

/// What the rest of the run must know of the images.
#[derive(Debug)]
pub(crate) struct Images {
    /// How many tags there are.
    pub(crate) count: usize,
    /// Manifest digest of the image critest pins by digest.
    pub(crate) pinned: String,
}

/// Makes and pushes all of them.
pub(crate) fn push(registry: &Registry) -> Result<Images> {
    let mut shelf = Shelf { registry, count: 0 };
    let base = base::layer()?;
    let shell = Image::new().layer(base.clone()).set("Cmd", json!(["sh"]));
    e2e(&mut shelf, &base, &shell)?;
    users(&mut shelf, &base, &shell)?;
    let pinned = names(&mut shelf, &shell)?;
    pause(&mut shelf)?;
    Ok(Images { count: shelf.count, pinned })
}

struct Shelf<'a> {
    registry: &'a Registry,
    count: usize,
}

impl Shelf<'_> {
    /// Pushes one image under several tags; gives the digest they point to.
    fn put(&mut self, repository: &str, tags: &[&str], shape: Shape, image: Image) -> Result<String> {
        let image = match shape {
            Shape::DockerList => image.format(Format::Docker),
            Shape::OciManifest | Shape::OciIndex => image.format(Format::Oci),
        };
        let foreign = image.clone().architecture(foreign_architecture());
        let mut digest = String::new();
        for tag in tags {
            let pushed = match shape {
                Shape::OciManifest => self.registry.push(repository, tag, &image)?,
                Shape::OciIndex | Shape::DockerList => {
                    self.registry.push_index(repository, tag, &[&foreign, &image])?
                }
            };
            digest = pushed.digest;
            self.count += 1;
        }
        Ok(digest)
    }
}

/// What containers of most specs run, and servers.
fn e2e(shelf: &mut Shelf<'_>, base: &Layer, shell: &Image) -> Result {
    shelf.put(&format!("{E2E}/busybox"), &["1.29-2"], Shape::DockerList, shell.clone())?;
    let web = Web::unpack()?;
    let nginx = web.nginx(base, 80)?;
    shelf.put(&format!("{E2E}/nginx"), &["1.14-2"], Shape::DockerList, nginx)?;
    let httpd = web::httpd(base)?;
    shelf.put(&format!("{E2E}/httpd"), &["2.4.39-4"], Shape::DockerList, httpd)?;
    let set_uid = LayerBuilder::new().file("euid", 0o4755, program("conformance-euid")?)?;
    let set_uid = Image::new().layer(base.clone()).layer(set_uid.build(Compression::Gzip)?);
    let set_uid = set_uid.set("Entrypoint", json!(["/euid"]));
    shelf.put(&format!("{E2E}/nonewprivs"), &["1.3"], Shape::DockerList, set_uid)?;
    // This one runs in the node's network, where 80 may be taken.
    let host = format!("{OWN}/hostnet-nginx-{}", native_architecture());
    shelf.put(&host, &["latest"], Shape::OciManifest, web.nginx(base, 12003)?).map(drop)
}

/// Images that say whom their processes run as.
fn users(shelf: &mut Shelf<'_>, base: &Layer, shell: &Image) -> Result {
    let users = [
        ("uid", "1002"),
        ("username", "www-data"),
        ("uid-group", "1003:1004"),
        ("username-group", "www-data:1004"),
    ];
    for (name, user) in users {
        let image = shell.clone().set("User", json!(user));
        shelf.put(&format!("{OWN}/test-image-user-{name}"), &["latest"], Shape::OciIndex, image)?;
    }
    let passwd = format!("{PASSWD}default-user:x:1000:1000:default-user:/var/default-user:/bin/sh\n");
    let group = format!("{GROUP}default-user:x:1000:\ngroup-defined-in-image:x:50000:default-user\n");
    let layer = LayerBuilder::new().dir("etc", 0o755)?;
    let layer = layer.file("etc/passwd", 0o644, passwd)?.file("etc/group", 0o644, group)?;
    let layer = layer.owner(1000, 1000).dir("var/default-user", 0o755)?.build(Compression::Gzip)?;
    let image = Image::new().layer(base.clone()).layer(layer);
    let image = image.set("Cmd", json!(["sh"])).set("User", json!("1000"));
    shelf.put(&format!("{OWN}/test-image-predefined-group"), &["latest"], Shape::OciIndex, image).map(drop)
}

/// Images that differ in nothing but their names and ids. Gives the digest of the one pulled by digest.
fn names(shelf: &mut Shelf<'_>, shell: &Image) -> Result<String> {
    let mut pinned = String::new();
    for name in ["1", "2", "3", "latest", "digest"] {
        let image = marked(shell, name)?;
        pinned = shelf.put(&format!("{OWN}/test-image-{name}"), &["latest"], Shape::OciIndex, image)?;
    }
    let tags = marked(shell, "one image with three tags")?;
    shelf.put(&format!("{OWN}/test-image-tags"), &["1", "2", "3"], Shape::OciIndex, tags)?;
    for tag in ["test", "all"] {
        shelf.put(&format!("{OWN}/test-image-tag"), &[tag], Shape::OciIndex, marked(shell, tag)?)?;
    }
    // The image benchmarks pull these.
    for tag in ["1.35.0-glibc", "1-uclibc", "1", "1-glibc", "1-musl"] {
        shelf.put("docker/library/busybox", &[tag], Shape::OciIndex, marked(shell, tag)?)?;
    }
    Ok(pinned)
}

/// The same with one small layer more: another id.
fn marked(image: &Image, text: &str) -> Result<Image> {
    let layer = LayerBuilder::new().file("stand-in", 0o644, format!("{text}\n"))?;
    Ok(image.clone().layer(layer.build(Compression::Gzip)?))
}

/// The suite pulls `pause:3.9` from two hosts, counts its tags and removes it: it must not be the image a runtime keeps
/// for its own sandboxes, which the other tags are for.
fn pause(shelf: &mut Shelf<'_>) -> Result {
    let layer = LayerBuilder::new().file("pause", 0o755, program("conformance-pause")?)?;
    let pause = Image::new().layer(layer.build(Compression::Gzip)?).set("Entrypoint", json!(["/pause"]));
    let tested = pause.clone().set("Labels", json!({ "stand-in": "for the suite" }));
    shelf.put("pause", &["3.9"], Shape::DockerList, tested)?;
    let own = pause.set("Labels", json!({ "stand-in": "for sandboxes" }));
    shelf.put("pause", &["3.10", "3.10.1", "3.10.2"], Shape::DockerList, own).map(drop)
}

/// One of the programs of this package.
fn program(name: &str) -> Result<Vec<u8>> {
    let path = harness::binary(name)?;
    std::fs::read(&path).map_err(|error| harness::Failure::new(format!("read {}: {error}", path.display())))
}
