//! hosts.toml: the format, the directories, the defaults.

use super::*;

fn parsed(host: &str, text: &str) -> std::result::Result<Vec<Endpoint>, String> {
    parse(text, Path::new("/nowhere"), host)
}

fn bases(host: &str, text: &str) -> Vec<String> {
    parsed(host, text).unwrap().iter().map(|endpoint| endpoint.base.to_string()).collect()
}

#[test]
fn without_configuration_the_registry_answers_itself() {
    let cases = [
        ("docker.io", "https://registry-1.docker.io/v2", None),
        ("quay.io", "https://quay.io/v2", None),
        ("quay.io:8443", "https://quay.io:8443/v2", None),
        ("localhost", "http://localhost/v2", None),
        ("localhost:5000", "http://localhost:5000/v2", None),
        ("127.0.0.1:5000", "http://127.0.0.1:5000/v2", None),
        ("127.9.9.9", "http://127.9.9.9/v2", None),
        ("[::1]:5000", "http://[::1]:5000/v2", None),
        ("128.0.0.1:5000", "https://128.0.0.1:5000/v2", None),
        ("localhost.example.com", "https://localhost.example.com/v2", None),
    ];
    for (host, base, namespace) in cases {
        let endpoints = endpoints(None, host).unwrap();
        assert_eq!(endpoints.len(), 1);
        assert_eq!(
            (endpoints[0].base.as_str(), endpoints[0].namespace.as_deref()),
            (base, namespace),
            "{host}"
        );
        assert!(endpoints[0].is_server && endpoints[0].pull && endpoints[0].resolve);
    }
}

#[test]
fn the_files_order_is_kept_and_the_server_comes_last() {
    let text = r#"
        server = "https://upstream.example.com"
        [host."https://z.example.com"]
        [host."https://a.example.com/hub"]
        [host."https://z.example.com".header]
        x = "y"
        [host."http://m.example.com:5000/v2/"]
    "#;
    let expected = [
        "https://z.example.com/v2",
        "https://a.example.com/hub/v2",
        "http://m.example.com:5000/v2",
        "https://upstream.example.com/v2",
    ];
    assert_eq!(bases("r.example.com", text), expected);
    let endpoints = parsed("r.example.com", text).unwrap();
    assert_eq!(endpoints[0].headers.get("x").unwrap(), "y");
    assert!(endpoints.iter().all(|endpoint| endpoint.namespace.as_deref() == Some("r.example.com")));
    assert_eq!(
        endpoints.iter().map(|endpoint| endpoint.is_server).collect::<Vec<_>>(),
        [false, false, false, true]
    );
}

#[test]
fn a_mirror_that_is_the_server_is_asked_once() {
    let text = "server = \"http://127.0.0.1:5000\"\n[host.\"http://127.0.0.1:5000\"]\n  capabilities = [\"pull\", \"resolve\"]\n";
    let endpoints = parsed("registry.k8s.io", text).unwrap();
    assert_eq!(endpoints.len(), 1);
    assert!(endpoints[0].is_server);
    assert_eq!(
        endpoints[0].url("a/manifests/1").as_str(),
        "http://127.0.0.1:5000/v2/a/manifests/1?ns=registry.k8s.io"
    );
}

#[test]
fn settings_are_read() {
    let text = r#"
        capabilities = ["Pull", "push"]
        dial_timeout = "1m0.5s"
        token_realms = ["SSO.example.com"]
        unknown = "is skipped, as the format grows"
        [host."mirror.example.com/path"]
          override_path = true
          skip_verify = true
          [host."mirror.example.com/path".header]
            x-many = ["a", "b"]
    "#;
    let endpoints = parsed("r.example.com", text).unwrap();
    let (mirror, server) = (&endpoints[0], &endpoints[1]);
    assert_eq!(mirror.base.as_str(), "https://mirror.example.com/path");
    assert_eq!(mirror.url("x").as_str(), "https://mirror.example.com/path/x?ns=r.example.com");
    assert!(mirror.tls.skip_verify && mirror.pull && mirror.resolve);
    assert_eq!(mirror.headers.get_all("x-many").iter().count(), 2);
    assert_eq!(server.base.as_str(), "https://r.example.com/v2");
    assert!(server.pull && !server.resolve);
    assert_eq!(server.dial_timeout, Some(Duration::from_millis(60_500)));
    assert_eq!(server.token_realms, ["sso.example.com"]);
    assert_eq!(server.namespace, None);
    assert!(!format!("{endpoints:?}").contains("x-many"), "headers may be secret");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let cases = [
        "server = 5",
        "server = \"ftp://x\"",
        "server = \"https://\"",
        "server = \"https://user:pw@x\"",
        "server = \"https://x?ns=y\"",
        "capabilities = [\"fly\"]",
        "dial_timeout = \"5\"",
        "dial_timeout = \"-5s\"",
        "dial_timeout = \"0s\"",
        "dial_timeout = \"1e99s\"",
        "dial_timeout = \"99999h\"",
        "ca = 5",
        "ca = \"missing\"",
        "client = [[\"one\"]]",
        "[header]\n\"bad name\" = \"x\"",
        "[header]\nx = \"a\\nb\"",
        "[host]\nx = 5",
        "[[host]]",
    ];
    for text in cases {
        assert!(parsed("r.example.com", text).is_err(), "{text}");
    }
}

#[test]
fn directories_are_found_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, server: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("hosts.toml"), format!("server = \"https://{server}\""))
            .unwrap();
    };
    make("_default", "default");
    let server = |host: &str| endpoints(Some(dir.path()), host).unwrap().last().unwrap().origin.host.clone();
    assert_eq!(server("h.io:5000"), "default");
    make("h.io:5000", "colon");
    assert_eq!(server("h.io:5000"), "colon");
    make("h.io_5000_", "underscores");
    assert_eq!(server("h.io:5000"), "underscores");
    assert_eq!(server("h.io"), "default");
    std::fs::create_dir(dir.path().join("quay.io")).unwrap();
    assert_eq!(server("quay.io"), "quay.io", "a directory without a file says nothing");
}
