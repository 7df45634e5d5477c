//! Whose secrets an endpoint may see, and what a registry's words become.

use super::*;
use crate::registry::hosts;

fn secret(server_address: &str) -> Credentials {
    Credentials { username: "u".into(), server_address: server_address.into(), ..Credentials::default() }
}

#[test]
fn secrets_go_where_they_are_meant_to() {
    let hub = hosts::endpoints(None, "docker.io").unwrap().remove(0);
    let own = hosts::endpoints(None, "r.example.com:5000").unwrap().remove(0);
    let mirror = Endpoint { is_server: false, namespace: Some("docker.io".to_owned()), ..own.clone() };
    let cases = [
        (&hub, "", true),
        (&hub, "https://index.docker.io/v1/", true),
        (&hub, "docker.io", true),
        (&hub, "registry-1.docker.io", true),
        (&hub, "quay.io", false),
        (&hub, "evil-docker.io", false),
        (&own, "", true),
        (&own, "r.example.com:5000", true),
        (&own, "https://R.example.com:5000/v2/", true),
        (&own, "r.example.com", true),
        (&own, "example.com", false),
        (&own, "docker.io", false),
        (&mirror, "", false),
        (&mirror, "docker.io", false),
        (&mirror, "r.example.com:5000", true),
    ];
    for (endpoint, address, allowed) in cases {
        assert_eq!(may_see(endpoint, &secret(address)), allowed, "{endpoint:?} with {address:?}");
    }
}

#[test]
fn words_are_short_and_printable() {
    let said = |body: &str| words(body.as_bytes());
    assert_eq!(said(r#"{"errors":[{"code":"DENIED","message":"no\n\u001b[2Jway"}]}"#), "DENIED: no  [2Jway");
    assert_eq!(said(r#"{"errors":[{"message":"only"}]}"#), "only");
    for nothing in ["", "<html>", "{}", r#"{"errors":[]}"#, r#"{"errors":{"code":5}}"#] {
        assert_eq!(said(nothing), "");
    }
    assert_eq!(said(&format!(r#"{{"errors":[{{"code":"{}"}}]}}"#, "x".repeat(999))).len(), 200);
    assert_eq!(said(r#"{"errors":[{"code":"\u202egnp.exe"}]}"#), "gnp.exe");
}
