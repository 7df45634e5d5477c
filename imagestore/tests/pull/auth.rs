//! Authorization: every flow that registries use, and what happens to those who ask for too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use imagestore::{Credentials, Kind};

use crate::fake::{Content, Fake, Reply, Request};
use crate::images;
use crate::scene::{Scene, chain};

const SECRET: &str = "s3cret-passw0rd";

fn user() -> Credentials {
    Credentials { username: "ann".into(), password: SECRET.into(), ..Credentials::default() }
}

fn basic() -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("ann:{SECRET}")))
}

/// Whether the password came here, as it is or in base64.
fn saw_secret(fake: &Fake) -> bool {
    let encoded = basic();
    fake.saw(SECRET) || fake.saw(encoded.trim_start_matches("Basic "))
}

fn challenge(text: &str) -> Reply {
    let words = br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#;
    Reply::new(401).with("www-authenticate", text).body(words.as_slice())
}

/// A registry that wants `Bearer <token>` and names `realm`; `{host}` in it is the registry's own.
fn wants_token(realm: &'static str) -> impl Fn(&Request, &Content) -> Reply + Send + Sync {
    move |request, content| {
        if request.path == "/token" {
            let allowed = request.header("authorization").is_none_or(|header| header == basic());
            return match allowed && !request.body.contains("wrong") {
                true => Reply::new(200).body(r#"{"token":"tok","expires_in":300}"#),
                false => challenge("Basic"),
            };
        }
        match request.header("authorization") {
            Some("Bearer tok") => content.reply(request),
            _ => {
                let realm = realm.replace("{host}", request.header("host").unwrap());
                challenge(&format!(
                    r#"Bearer realm="{realm}",service="svc",scope="repository:app:pull,push""#
                ))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anonymous_token_is_fetched_once() {
    let registry = Fake::scripted(images::small("a").alone(), wants_token("http://{host}/token")).await;
    let scene = Scene::new();
    scene.pull(&format!("{}/app:1", registry.host())).await.unwrap();
    let tokens: Vec<_> = registry.log().into_iter().filter(|request| request.path == "/token").collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].query, "service=svc&scope=repository%3Aapp%3Apull", "reading is all we ask for");
    assert_eq!(
        registry.count(|request| request.header("authorization").is_none()),
        2,
        "the first request, the token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn user_and_password_get_a_token() {
    let registry = Fake::scripted(images::small("a").alone(), wants_token("http://{host}/token")).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    scene.pull_as(&name, Some(user())).await.unwrap();
    let with_secret = registry.count(|request| request.header("authorization") == Some(&basic()));
    assert_eq!(with_secret, 1, "the token service alone sees the password");

    let wrong = Credentials { password: "no".into(), ..user() };
    let error = scene.pull_as(&name, Some(wrong)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(chain(&error).contains("does not take the credentials"), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_token_is_posted() {
    let registry = Fake::scripted(images::small("a").alone(), wants_token("http://{host}/token")).await;
    let scene = Scene::new();
    let auth = Credentials { identity_token: "id&token".into(), ..Credentials::default() };
    scene.pull_as(&format!("{}/app:1", registry.host()), Some(auth)).await.unwrap();
    let posts: Vec<_> = registry.log().into_iter().filter(|request| request.method == "POST").collect();
    assert_eq!(posts.len(), 1);
    assert_eq!(
        posts[0].body,
        "grant_type=refresh_token&service=svc&client_id=berth&scope=repository%3Aapp%3Apull&refresh_token=id%26token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_token_is_sent_as_it_is() {
    let registry = Fake::scripted(images::small("a").alone(), wants_token("http://{host}/token")).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let token = |text: &str| Some(Credentials { registry_token: text.into(), ..Credentials::default() });
    scene.pull_as(&name, token("tok")).await.unwrap();
    assert_eq!(registry.count(|request| request.path == "/token"), 0);
    let error = scene.pull_as(&name, token("old")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated);
    assert!(!chain(&error).contains("old"), "no secret in an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_is_answered() {
    let registry = Fake::scripted(images::small("a").alone(), |request, content| {
        match request.header("authorization") == Some(&basic()) {
            true => content.reply(request),
            false => challenge(r#"Basic realm="x""#),
        }
    })
    .await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let none = scene.pull(&name).await.unwrap_err();
    assert_eq!(none.kind(), Kind::Unauthenticated);
    assert!(chain(&none).contains("image pull secret"), "the way out: {}", chain(&none));
    let wrong =
        scene.pull_as(&name, Some(Credentials { password: "no".into(), ..user() })).await.unwrap_err();
    assert_eq!(wrong.kind(), Kind::Unauthenticated);
    registry.clear();
    scene.pull_as(&name, Some(user())).await.unwrap();
    assert_eq!(registry.count(|request| request.header("authorization").is_none()), 1);
    let encoded = basic().trim_start_matches("Basic ").to_owned();
    let parsed = Credentials::default().with_auth(&encoded).unwrap();
    assert_eq!(parsed, user());
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_for_another_server_stay_here() {
    let registry = Fake::scripted(images::small("a").alone(), wants_token("http://{host}/token")).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let elsewhere = Credentials { server_address: "https://index.docker.io/v1/".into(), ..user() };
    scene.pull_as(&name, Some(elsewhere)).await.unwrap();
    assert!(!saw_secret(&registry));
    let right = Credentials { server_address: format!("http://{}/v2/", registry.host()), ..user() };
    scene.pull_as(&name, Some(right)).await.unwrap();
    assert!(saw_secret(&registry));
}

#[tokio::test(flavor = "multi_thread")]
async fn forbidden_is_denied_and_private_is_unauthenticated() {
    let registry = Fake::scripted(Content::default(), |_, _| {
        Reply::new(403).body(r#"{"errors":[{"code":"DENIED","message":"no \u001b[31mway\n here"}]}"#)
    })
    .await;
    let scene = Scene::new();
    let text = scene.refused(&format!("{}/app:1", registry.host()), Kind::Denied).await;
    assert!(text.contains("DENIED: no  [31mway  here"), "control characters are taken out: {text:?}");
    let registry = Fake::scripted(Content::default(), |_, _| challenge("Negotiate")).await;
    scene.refused(&format!("{}/app:1", registry.host()), Kind::Unauthenticated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_without_end_ends() {
    let registry = Fake::scripted(Content::default(), |request, _| {
        let realm = format!("http://{}/token", request.header("host").unwrap());
        match request.path.as_str() {
            "/token" => Reply::new(200).body(r#"{"token":"t","expires_in":0}"#),
            _ => challenge(&format!(
                r#"Bearer realm="{realm}",scope="repository:app:pull repository:{}:pull""#,
                request.earlier
            )),
        }
    })
    .await;
    let scene = Scene::new();
    scene.refused(&format!("{}/app:1", registry.host()), Kind::Unauthenticated).await;
    assert!(registry.log().len() <= 6, "{}", registry.log().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ran_out_is_renewed() {
    let valid = Arc::new(AtomicBool::new(true));
    let now = valid.clone();
    let registry = Fake::scripted(images::small("a").alone(), move |request, content| {
        let realm = format!("http://{}/token", request.header("host").unwrap());
        match (request.path.as_str(), request.header("authorization")) {
            ("/token", _) => {
                let token = if now.load(Ordering::SeqCst) { "one" } else { "two" };
                Reply::new(200).body(format!(r#"{{"access_token":"{token}"}}"#))
            }
            (_, Some("Bearer one")) if now.load(Ordering::SeqCst) => content.reply(request),
            (_, Some("Bearer two")) if !now.load(Ordering::SeqCst) => content.reply(request),
            _ => challenge(&format!(r#"Bearer realm="{realm}""#)),
        }
    })
    .await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    scene.pull(&name).await.unwrap();
    valid.store(false, Ordering::SeqCst);
    scene.pull(&name).await.unwrap();
    assert_eq!(registry.count(|request| request.path == "/token"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_realm_elsewhere_gets_no_secret() {
    let evil =
        Fake::at("127.0.0.2:0", Content::default(), |_, _| Reply::new(200).body(r#"{"token":"tok"}"#)).await;
    let realm: &'static str = format!("http://{}/token", evil.host()).leak();
    let registry = Fake::scripted(images::small("a").alone(), wants_token(realm)).await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let error = scene.pull_as(&name, Some(user())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied);
    assert!(chain(&error).contains("token_realms"), "the way out: {}", chain(&error));
    assert!(evil.log().is_empty() && !saw_secret(&registry));
    // Without a secret there is none to lose, and the address is as near as the registry's.
    scene.pull(&name).await.unwrap();
    assert_eq!(evil.log().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_name_a_realm() {
    let sso =
        Fake::at("127.0.0.2:0", Content::default(), |_, _| Reply::new(200).body(r#"{"token":"tok"}"#)).await;
    let realm: &'static str = format!("http://{}/token", sso.host()).leak();
    let registry = Fake::scripted(images::small("a").alone(), wants_token(realm)).await;
    let scene = Scene::with_hosts(&[("_default", "token_realms = [\"127.0.0.2\"]")]);
    scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.unwrap();
    assert!(saw_secret(&sso));
}

#[tokio::test(flavor = "multi_thread")]
async fn evil_realms_are_not_asked() {
    const REALMS: [&str; 12] = [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://224.0.0.1/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://user:pw@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//127.0.0.1/token",
        "",
    ];
    for realm in REALMS {
        let registry = Fake::scripted(images::small("a").alone(), wants_token(realm)).await;
        let scene = Scene::new();
        let name = format!("{}/app:1", registry.host());
        for auth in [None, Some(user())] {
            let began = std::time::Instant::now();
            let error = scene.pull_as(&name, auth).await.expect_err(realm);
            assert!(
                matches!(error.kind(), Kind::Denied | Kind::RegistryUnavailable),
                "{realm}: {}",
                chain(&error)
            );
            assert!(began.elapsed().as_millis() < 500, "{realm}: nobody was asked");
        }
        assert!(!saw_secret(&registry), "{realm}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_service_is_not_trusted() {
    let huge = format!(r#"{{"token":"{}"}}"#, "t".repeat(2 << 20));
    let answers = [
        Reply::new(200).body(huge),
        Reply::new(200).body("{"),
        Reply::new(200).body(r#"{"token":"a\r\nX-Evil: 1"}"#),
        Reply::new(302).with("location", "http://127.0.0.2:1/"),
        Reply::new(200).how(crate::fake::How::Endless),
        Reply::new(200).how(crate::fake::How::Silence),
        Reply::new(500),
    ];
    for answer in answers {
        let shown = format!("{:.200}", format!("{answer:?}"));
        let registry =
            Fake::scripted(Content::default(), move |request, content| match request.path.as_str() {
                "/token" => answer.clone(),
                _ => wants_token("http://{host}/token")(request, content),
            })
            .await;
        let scene = Scene::new();
        let error =
            scene.pull_as(&format!("{}/app:1", registry.host()), Some(user())).await.expect_err(&shown);
        assert!(
            matches!(error.kind(), Kind::RegistryUnavailable | Kind::Unauthenticated),
            "{shown}: {}",
            chain(&error)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_with_other_credentials_do_not_join() {
    let image = images::small("a");
    let registry = Fake::scripted(image.alone(), |request, content| {
        match request.header("authorization") == Some(&basic()) {
            true => content.reply(request),
            false => challenge("Basic realm=x"),
        }
    })
    .await;
    let scene = Scene::new();
    let name = format!("{}/app:1", registry.host());
    let (known, stranger) = tokio::join!(scene.pull_as(&name, Some(user())), scene.pull(&name));
    assert!(known.is_ok());
    assert_eq!(stranger.unwrap_err().kind(), Kind::Unauthenticated);
    let by_digest = format!("{}/app@{}", registry.host(), image.digest());
    assert_eq!(
        scene.pull(&by_digest).await.unwrap_err().kind(),
        Kind::Unauthenticated,
        "being here is no permission"
    );
}
