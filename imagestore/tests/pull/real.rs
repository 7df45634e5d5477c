//! The distribution project's own registry, from Debian's docker-registry.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use imagestore::{Credentials, Digest, Kind};

use crate::images::{self, Image, OCI_MANIFEST, Tar};
use crate::scene::{Scene, chain};

/// `secret`, by bcrypt at its lowest cost.
const HTPASSWD: &str = "ann:$2b$04$Wrv/9iLl4XxxI2Kjwq9d8u5wQBONeDZUHxU6ooApruuW0aMfADKke\n";

struct Registry {
    host: String,
    process: Child,
    _dir: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn start(private: bool) -> Registry {
    let program = harness::debian::registry().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    std::fs::write(dir.path().join("htpasswd"), HTPASSWD).unwrap();
    let auth = match private {
        true => format!("auth: {{htpasswd: {{realm: x, path: {}/htpasswd}}}}\n", dir.path().display()),
        false => String::new(),
    };
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}/data}}}}\nhttp: {{addr: {host}}}\n{auth}",
        dir.path().display()
    );
    std::fs::write(dir.path().join("config.yml"), config).unwrap();
    let mut command = sys::process::command(&program);
    command.arg("serve").arg(dir.path().join("config.yml"));
    let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let registry = Registry { host, process, _dir: dir };
    for _ in 0..1200 {
        if tokio::net::TcpStream::connect(&registry.host).await.is_ok() {
            return registry;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{} does not listen on {}", program.display(), registry.host);
}

impl Registry {
    async fn push(&self, image: &Image, repository: &str, tag: &str) {
        // The store brings its own; a client of reqwest's own making needs a default.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::new();
        let send = async |request: reqwest::RequestBuilder| {
            let answer = request.basic_auth("ann", Some("secret")).send().await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
            answer
        };
        let base = format!("http://{}/v2/{repository}", self.host);
        for blob in image.layers.iter().map(|layer| layer.packed.clone()).chain([image.config_bytes()]) {
            let begun = send(client.post(format!("{base}/blobs/uploads/"))).await;
            let mut place = reqwest::Url::parse(begun.headers()["location"].to_str().unwrap()).unwrap();
            place.query_pairs_mut().append_pair("digest", &Digest::of(&blob).to_string());
            send(client.put(place).header("content-type", "application/octet-stream").body(blob)).await;
        }
        let manifest = client.put(format!("{base}/manifests/{tag}")).header("content-type", OCI_MANIFEST);
        send(manifest.body(image.manifest_bytes())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_from_distribution() {
    let registry = start(false).await;
    let image = Image::new(vec![
        Tar::new().file("big", &images::noise(3 << 20, 9)).gzip(),
        Tar::new().file("small", b"x").zstd(),
    ]);
    registry.push(&image, "team/app", "v1").await;
    let scene = Scene::new();
    let name = format!("{}/team/app:v1", registry.host);
    let pulled = scene.pull(&name).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!((pulled.id, pulled.manifest), (image.id(), image.digest()));
    assert_eq!(scene.read(&pulled, "small").unwrap(), b"x");
    assert_eq!(scene.pull(&name).await.unwrap(), pulled);
    let by_digest = scene.pull(&format!("{}/team/app@{}", registry.host, image.digest())).await.unwrap();
    assert_eq!(by_digest.id, image.id());
    for missing in ["team/app:v2", "team/none:v1"] {
        let error = scene.pull(&format!("{}/{missing}", registry.host)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound, "{}", chain(&error));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_with_a_password_from_distribution() {
    let registry = start(true).await;
    let image = images::small("private");
    registry.push(&image, "app", "1").await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host);
    assert_eq!(scene.pull(&name).await.unwrap_err().kind(), Kind::Unauthenticated);
    let auth = |password: &str| {
        Some(Credentials { username: "ann".into(), password: password.into(), ..Credentials::default() })
    };
    assert_eq!(scene.pull_as(&name, auth("wrong")).await.unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(scene.pull_as(&name, auth("secret")).await.unwrap().id, image.id());
}
