//! Redirects: what travels along, and where nobody may send us.

use imagestore::{Credentials, Kind};

use crate::fake::{Content, Fake, Reply};
use crate::images;
use crate::scene::{Scene, chain};

fn user() -> Credentials {
    Credentials { username: "ann".into(), password: "s3cret".into(), ..Credentials::default() }
}

/// A registry that wants Basic and redirects blobs to `target` (`{path}` is the blob's path).
async fn redirecting(content: Content, target: String) -> Fake {
    Fake::scripted(content, move |request, content| {
        if request.header("authorization").is_none() {
            return Reply::new(401).with("www-authenticate", "Basic realm=x");
        }
        match request.is_blob() {
            true => Reply::new(307).with("location", target.replace("{path}", &request.path)),
            false => content.reply(request),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_elsewhere_gets_nothing_but_the_request() {
    let image = images::small("a");
    let storage = Fake::at("127.0.0.2:0", image.alone(), |request, content| content.reply(request)).await;
    let target = format!("http://{}{{path}}?X-Signature=abc", storage.host());
    let registry = redirecting(image.alone(), target).await;
    let hosts = format!("server = \"http://{0}\"\n[header]\nx-operator = \"op-secret\"\n", registry.host());
    let scene = Scene::with_hosts(&[("_default", &hosts)]);
    scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap();
    assert!(registry.saw("op-secret"));
    assert_eq!(storage.log().len(), 3);
    for request in storage.log() {
        assert_eq!(request.header("authorization"), None);
        assert!(!request.everything().contains("op-secret"));
        assert_eq!(request.query, "X-Signature=abc");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_origin_keeps_the_authorization() {
    let image = images::small("a");
    let registry = Fake::scripted(image.alone(), |request, content| {
        if request.header("authorization").is_none() {
            return Reply::new(401).with("www-authenticate", "Basic realm=x");
        }
        match request.query.as_str() {
            "" => Reply::new(302).with("location", format!("{}?there", request.path)),
            _ => content.reply(request),
        }
    })
    .await;
    let scene = Scene::new();
    scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_do_not_end_in_errors() {
    let image = images::small("a");
    let storage = Fake::at("127.0.0.2:0", Content::default(), |_, _| Reply::new(403)).await;
    let target = format!("http://{}{{path}}?X-Signature=abc", storage.host());
    let registry = redirecting(image.alone(), target).await;
    let scene = Scene::new();
    let error = scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(!chain(&error).contains("abc"), "{}", chain(&error));
    // The connection itself fails: the HTTP client would like to tell the URL.
    let dead = "http://127.0.0.2:1{path}?X-Signature=abc".to_owned();
    let registry = redirecting(image.alone(), dead).await;
    let error = scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::RegistryUnavailable);
    assert!(!chain(&error).contains("abc") && !chain(&error).contains("s3cret"), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn evil_targets_are_not_followed() {
    let targets = [
        "http://169.254.169.254/latest/meta-data/iam",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:5000/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://user:pw@127.0.0.2/",
        "http://",
        "javascript:alert(1)",
    ];
    for target in targets {
        let registry = redirecting(images::small("a").alone(), target.to_owned()).await;
        let scene = Scene::new();
        let began = std::time::Instant::now();
        let error =
            scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.expect_err(target);
        assert!(
            matches!(error.kind(), Kind::Denied | Kind::RegistryUnavailable),
            "{target}: {}",
            chain(&error)
        );
        assert!(began.elapsed().as_millis() < 600, "{target}");
        scene.assert_clean();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_end() {
    let scene = Scene::new();
    let registry = Fake::scripted(Content::default(), |request, _| {
        Reply::new(307).with("location", request.path.clone())
    })
    .await;
    let text = scene.refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert!(text.contains("redirects"), "{text}");
    assert_eq!(registry.log().len(), 11);

    let there = Fake::at("127.0.0.2:0", Content::default(), |request, _| {
        Reply::new(302).with("location", request.path.clone())
    })
    .await;
    let target = format!("http://{}/x", there.host());
    let registry =
        Fake::scripted(Content::default(), move |_, _| Reply::new(302).with("location", target.clone()))
            .await;
    scene.refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
    assert_eq!(there.log().len(), 10);

    let registry = Fake::scripted(Content::default(), |_, _| Reply::new(302)).await;
    scene.refused(&format!("{}/app:1", registry.host()), Kind::RegistryUnavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_wants_credentials_gets_none() {
    let storage = Fake::at("127.0.0.2:0", Content::default(), |_, _| {
        Reply::new(401).with("www-authenticate", "Basic realm=x")
    })
    .await;
    let target = format!("http://{}{{path}}", storage.host());
    let registry = redirecting(images::small("a").alone(), target).await;
    let scene = Scene::new();
    let error = scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert_eq!(storage.count(|request| request.header("authorization").is_some()), 0);
    assert_eq!(storage.log().len(), 1);
}
