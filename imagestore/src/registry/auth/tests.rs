//! Challenges, realms and tokens.

use super::*;

fn origin(url: &str) -> Origin {
    Origin::of(&reqwest::Url::parse(url).unwrap()).unwrap()
}

#[test]
fn challenges_are_parsed() {
    let bearer = |realm: &str, service: Option<&str>, scopes: &[&str]| Challenge::Bearer {
        realm: realm.to_owned(),
        service: service.map(str::to_owned),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    };
    let cases = [
        (r#"Basic realm="x""#, vec![Challenge::Basic]),
        (r#"basic realm="x""#, vec![Challenge::Basic]),
        (
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull""#,
            vec![bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                &["repository:a/b:pull"],
            )],
        ),
        (r#"BEARER Realm="https://x/token", SERVICE="s""#, vec![bearer("https://x/token", Some("s"), &[])]),
        (
            r#"Bearer realm="r",scope="repository:a:pull,push repository:b:* registry:catalog:* aws repository:c:pull""#,
            vec![bearer("r", None, &["aws", "repository:c:pull"])],
        ),
        (r#"Negotiate, Basic realm="x""#, vec![Challenge::Basic]),
        (r#"Bearer service="no realm""#, vec![]),
        (r#"Digest realm="x", nonce="y""#, vec![]),
        ("", vec![]),
        ("Bearer realm=\"unclosed", vec![]),
    ];
    for (text, expected) in cases {
        assert_eq!(challenge::parse(text), expected, "{text}");
    }
    assert!(challenge::parse(&format!("Bearer realm=\"{}\"", "x".repeat(9000))).is_empty());
}

#[test]
fn a_secret_stays_on_the_registrys_site() {
    let allowed = ["sso.elsewhere.org".to_owned()];
    let cases = [
        ("https://registry-1.docker.io", "https://auth.docker.io/token", true),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true),
        ("https://quay.io", "https://quay.io/v2/auth", true),
        ("https://us.icr.io", "https://icr.io/oauth/token", true),
        ("https://h.example.co.uk", "https://auth.example.co.uk/t", true),
        ("https://h.example.com:5000", "https://h.example.com:5001/t", true),
        ("https://a.azurecr.io", "https://a.azurecr.io/oauth2/token", true),
        ("https://registry.example.com", "https://sso.elsewhere.org/t", true),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/t", true),
        ("http://r.example.com", "https://r.example.com/t", true),
        ("https://a.azurecr.io", "https://b.azurecr.io/t", false),
        ("https://a.co.uk", "https://b.co.uk/t", false),
        ("https://registry.example.com", "https://registry.example.com.evil.net/t", false),
        ("https://registry.example.com", "https://evilexample.com/t", false),
        ("https://registry.example.com", "https://evil.net/t", false),
        ("https://registry.example.com", "https://com/t", false),
        ("https://registry.example.com", "http://registry.example.com/t", false),
        ("https://registry.example.com", "https://user:pw@registry.example.com/t", false),
        ("https://registry.example.com", "ftp://registry.example.com/t", false),
        ("https://registry.example.com", "file:///etc/shadow", false),
        ("https://registry.example.com", "/token", false),
        ("https://registry.example.com", "", false),
        ("https://10.0.0.1", "https://10.0.0.2/t", false),
        ("https://1.2.3.4", "https://9.2.3.4/t", false),
        ("http://r.example.com", "http://auth.example.com/t", false),
        ("http://127.0.0.1:5000", "http://169.254.169.254/t", false),
    ];
    for (registry, realm, fine) in cases {
        let result = check_realm(&origin(registry), realm, true, &allowed);
        assert_eq!(result.is_ok(), fine, "{registry} -> {realm}: {result:?}");
    }
    // Without a secret, another site may be asked; but never a weaker transport.
    assert!(check_realm(&origin("https://a.com"), "https://b.com/t", false, &[]).is_ok());
    assert!(check_realm(&origin("https://a.com"), "http://a.com/t", false, &[]).is_err());
}

#[test]
fn tokens_are_read_with_care() {
    let life =
        |text: &str| Answer::parse(text.as_bytes()).map(|answer| (answer.token, answer.life.as_secs()));
    let token = |seconds| ("t".to_owned(), seconds);
    assert_eq!(life(r#"{"token":"t"}"#).unwrap(), token(60));
    assert_eq!(life(r#"{"access_token":"t","expires_in":300}"#).unwrap(), token(270));
    assert_eq!(life(r#"{"token":"t","access_token":"u","expires_in":0}"#).unwrap(), token(0));
    assert_eq!(life(r#"{"token":"t","expires_in":-5}"#).unwrap(), token(0));
    assert_eq!(life(r#"{"token":"t","expires_in":1e300}"#).unwrap(), token(3600));
    let huge = format!(r#"{{"token":"{}"}}"#, "t".repeat((64 << 10) + 1));
    for text in ["", "{}", "[]", r#"{"token":""}"#, r#"{"token":5}"#, &huge] {
        assert!(life(text).is_err());
    }
    assert!(bearer("a\r\nX: y").is_err());
}

#[test]
fn demands() {
    let key = |credentials| Key { origin: origin("https://r.io"), scope: String::new(), credentials };
    let user = Credentials { username: "u".into(), password: "p".into(), ..Credentials::default() };
    let mut headers = HeaderMap::new();
    headers.append(WWW_AUTHENTICATE, r#"Basic realm="x""#.parse().unwrap());
    let sent = |demand| matches!(demand, Ok(Demand::Send(value, _)) if value == "Basic dTpw");
    assert!(sent(demand(&headers, &key(Some(user.clone())), false)));
    for (credentials, refused) in [(Some(user.clone()), true), (None, false)] {
        let failure = demand(&headers, &key(credentials), refused).unwrap_err();
        assert!(matches!(failure.fault, Fault::Unauthenticated(_)));
    }
    headers.append(WWW_AUTHENTICATE, r#"Bearer realm="https://r.io/t""#.parse().unwrap());
    assert!(matches!(demand(&headers, &key(Some(user)), false), Ok(Demand::Token(_))));
    assert!(demand(&HeaderMap::new(), &key(None), false).is_err());
}

#[test]
fn the_cache_forgets() {
    let cache = Authorizations::default();
    let key = |scope: String| Key { origin: origin("https://r.io"), scope, credentials: None };
    cache.keep(key("a".into()), HeaderValue::from_static("x"), Duration::from_secs(60));
    cache.keep(key("b".into()), HeaderValue::from_static("x"), Duration::ZERO);
    assert!(cache.get(&key("a".into())).is_some());
    assert!(cache.get(&key("b".into())).is_none());
    cache.forget(&key("a".into()));
    assert!(cache.get(&key("a".into())).is_none());
    for n in 0..3 * CACHED_MAX {
        cache.keep(key(n.to_string()), HeaderValue::from_static("x"), Duration::from_secs(60));
    }
    assert!(cache.cached.lock().unwrap().len() <= CACHED_MAX);
}
