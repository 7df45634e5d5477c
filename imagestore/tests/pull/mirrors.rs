//! Mirrors: order, capabilities, fallback, and whose credentials they see.

use imagestore::{Credentials, Kind};

use crate::fake::{Content, Fake, Reply};
use crate::images;
use crate::scene::{Scene, chain};

fn user() -> Credentials {
    Credentials { username: "ann".into(), password: "s3cret".into(), ..Credentials::default() }
}

/// Wants Basic for everything.
async fn private(content: Content) -> Fake {
    Fake::scripted(content, |request, content| match request.header("authorization") {
        Some(_) => content.reply(request),
        None => Reply::new(401).with("www-authenticate", "Basic realm=x"),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_are_asked_in_the_files_order_and_told_the_name() {
    let image = images::small("a");
    let mut content = Content::default();
    image.put(&mut content, "library/busybox", "1");
    let (empty, full, server) = (
        Fake::good(Content::default()).await,
        Fake::good(content).await,
        Fake::good(Content::default()).await,
    );
    // The first in the file is the last in the alphabet of ports, whichever way they came out.
    let (first, second) = if empty.host() > full.host() { (&empty, &full) } else { (&full, &empty) };
    let hosts = format!(
        "server = \"http://{}\"\n[host.\"http://{}\"]\n  capabilities = [\"pull\", \"resolve\"]\n[host.\"http://{}\".header]\n  x-a = \"b\"\n[host.\"http://{}\"]\n",
        server.host(),
        first.host(),
        first.host(),
        second.host()
    );
    let scene = Scene::with_hosts(&[("docker.io", &hosts)]);
    let pulled = scene.pull("busybox:1").await.unwrap();
    assert_eq!(pulled.tags, ["docker.io/library/busybox:1"]);
    assert_eq!(scene.store.get("busybox:1").unwrap().unwrap().id, image.id());
    assert!(server.log().is_empty());
    assert!(full.log().iter().all(|request| request.query == "ns=docker.io"));
    let asked_empty = !empty.log().is_empty();
    assert_eq!(
        asked_empty,
        first.host() == empty.host(),
        "the second is asked only if the first has nothing"
    );
    assert!(first.log().iter().all(|request| request.header("x-a") == Some("b")));
    assert!(second.log().iter().all(|request| request.header("x-a").is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_may_not_resolve_is_asked_for_content_only() {
    let image = images::small("a");
    let mut lies = image.alone();
    images::small("evil").put(&mut lies, "app", "1");
    let (mirror, server) = (Fake::good(lies).await, Fake::good(image.alone()).await);
    let hosts = format!(
        "server = \"http://{}\"\n[host.\"http://{}\"]\ncapabilities = [\"pull\"]\n",
        server.host(),
        mirror.host()
    );
    let scene = Scene::with_hosts(&[("r.example.com", &hosts)]);
    let pulled = scene.pull("r.example.com/app:1").await.unwrap();
    assert_eq!(pulled.id, image.id());
    assert_eq!(server.log().len(), 1, "the tag alone");
    assert!(server.log()[0].query.contains("ns=r.example.com"), "its address is not the name's");
    assert_eq!(mirror.count(|request| request.path.contains("/manifests/1")), 0);
    assert!(mirror.log().len() >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_makes_good_what_a_mirror_spoils() {
    let image = images::small("a");
    for fault in ["altered", "layers", "absent", "broken", "private", "dead"] {
        let server = private(image.alone()).await;
        let mirror = Fake::scripted(image.alone(), move |request, content| match fault {
            "absent" => Reply::new(404),
            "broken" => Reply::new(500),
            "private" => Reply::new(401).with("www-authenticate", "Basic realm=x"),
            _ => {
                let mut reply = content.reply(request);
                if let Some(byte) = reply.body.last_mut().filter(|_| fault != "layers" || request.is_blob()) {
                    *byte ^= 1;
                }
                reply
            }
        })
        .await;
        let address = if fault == "dead" { "127.0.0.1:1".to_owned() } else { mirror.host() };
        let hosts = format!(
            "server = \"http://{}\"\n[host.\"http://{address}\"]\ndial_timeout = \"1s\"\n",
            server.host()
        );
        let scene = Scene::with_hosts(&[("r.example.com", &hosts)]);
        let pulled = scene.pull_as("r.example.com/app:1", Some(user())).await;
        assert_eq!(pulled.unwrap_or_else(|error| panic!("{fault}: {}", chain(&error))).id, image.id());
        assert_eq!(mirror.count(|request| request.header("authorization").is_some()), 0, "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_failed_is_told() {
    let mirror = Fake::scripted(Content::default(), |_, _| Reply::new(503)).await;
    let server = Fake::good(Content::default()).await;
    let hosts = format!("server = \"http://{}\"\n[host.\"http://{}\"]\n", server.host(), mirror.host());
    let scene = Scene::with_hosts(&[("r.example.com", &hosts)]);
    let text = scene.refused("r.example.com/app:1", Kind::NotFound).await;
    assert!(text.contains(&mirror.host()) && text.contains("503") && text.contains(&server.host()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirrors_own_credentials_are_the_operators() {
    let image = images::small("a");
    let mirror = Fake::scripted(image.alone(), |request, content| match request.header("authorization") {
        Some("Basic bWlycm9y") => content.reply(request),
        _ => Reply::new(401).with("www-authenticate", "Basic realm=x"),
    })
    .await;
    let hosts = format!(
        "[host.\"http://{}\"]\n  [host.\"http://{}\".header]\n  authorization = \"Basic bWlycm9y\"\n",
        mirror.host(),
        mirror.host()
    );
    let scene = Scene::with_hosts(&[("r.example.com", &hosts)]);
    scene.pull_as("r.example.com/app:1", Some(user())).await.unwrap();
    let secret = "YW5uOnMzY3JldA==";
    assert!(!mirror.saw(secret));
    // Unless the caller says that they are for the mirror.
    let scene = Scene::with_hosts(&[("r.example.com", &format!("[host.\"http://{}\"]\n", mirror.host()))]);
    let auth = Credentials { server_address: mirror.host(), ..user() };
    let _ = scene.pull_as("r.example.com/app:1", Some(auth)).await;
    assert!(mirror.saw(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_can_be_overridden() {
    let image = images::small("a");
    let mut content = Content::default();
    image.put(&mut content, "app", "1");
    let content = Content(
        content.0.into_iter().map(|(path, body)| (path.replace("/v2/", "/hub/api/"), body)).collect(),
    );
    let mirror = Fake::good(content).await;
    let hosts = format!(
        "server = \"http://127.0.0.1:1\"\n[host.\"http://{}/hub/api\"]\noverride_path = true\n",
        mirror.host()
    );
    let scene = Scene::with_hosts(&[("r.example.com_5000_", &hosts)]);
    scene.pull("r.example.com:5000/app:1").await.unwrap();
    assert!(mirror.log().iter().all(|request| request.query == "ns=r.example.com%3A5000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_is_an_error_not_a_detour() {
    let server = Fake::good(images::small("a").alone()).await;
    for text in [
        "server = ",
        "[host.\"ftp://x\"]\n",
        "[host.\"http://u:p@x\"]\n",
        "capabilities = [\"fly\"]",
        "ca = \"missing.crt\"",
    ] {
        let scene = Scene::with_hosts(&[("_default", text)]);
        let error = scene.pull(&format!("{}/app:1", server.host())).await.expect_err(text);
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(chain(&error).contains("hosts.toml"), "{}", chain(&error));
    }
    assert!(server.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_but_not_for_its_exceptions() {
    let image = images::small("a");
    let proxy = Fake::scripted(image.alone(), |request, content| {
        let path = request.path.strip_prefix("http://r.example.com").unwrap_or_default().to_owned();
        content.reply(&crate::fake::Request { path, ..request.clone() })
    })
    .await;
    let direct = Fake::good(image.alone()).await;
    let certs = tempfile::tempdir().unwrap();
    std::fs::create_dir(certs.path().join("r.example.com")).unwrap();
    std::fs::write(certs.path().join("r.example.com/hosts.toml"), "server = \"http://r.example.com\"")
        .unwrap();
    let scene = Scene::with(|config| {
        config.certs_dir = Some(certs.path().to_owned());
        config.proxy.http = Some(format!("http://user:proxy-secret@{}", proxy.host()));
        config.proxy.no_proxy = Some("127.0.0.1".to_owned());
    });
    scene.pull("r.example.com/app:1").await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(proxy.log().len() >= 3);
    let before = proxy.log().len();
    scene.pull(&format!("{}/app:1", direct.host())).await.unwrap();
    assert_eq!(proxy.log().len(), before);
    let error = scene.pull("r.example.com/none:1").await.unwrap_err();
    assert!(!chain(&error).contains("proxy-secret"), "{}", chain(&error));
}
