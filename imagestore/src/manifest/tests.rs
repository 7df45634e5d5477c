//! Manifests: tables of platforms and shapes, and noise.

use super::*;
use proptest::prelude::*;

fn descriptor_json(media_type: &str, platform: Option<&str>) -> String {
    let digest = Digest::of(platform.unwrap_or_default().as_bytes());
    let platform = platform.map_or(String::new(), |platform| {
        let mut parts = platform.split('/');
        let mut part = || parts.next().unwrap_or_default();
        format!(r#","platform":{{"os":"{}","architecture":"{}","variant":"{}"}}"#, part(), part(), part())
    });
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":1{platform}}}"#)
}

/// What is chosen for `node` out of `platforms`.
fn chosen(node: &str, platforms: &[&str]) -> Option<String> {
    let entries: Vec<String> = platforms
        .iter()
        .map(|platform| descriptor_json(OCI_MANIFEST, (!platform.is_empty()).then_some(platform)))
        .collect();
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","));
    let Document::Index(entries) = parse("x", text.as_bytes()).unwrap() else { panic!("an index") };
    let mut parts = node.split('/');
    let mut part = || parts.next().unwrap_or_default();
    let node = Platform::new(part(), part(), part());
    let chosen = choose("x", &entries, &node).ok()?.digest;
    platforms
        .iter()
        .find(|platform| Digest::of(platform.as_bytes()) == chosen)
        .map(|platform| (*platform).to_owned())
}

#[test]
fn the_best_platform_is_chosen() {
    let cases: &[(&str, &[&str], Option<&str>)] = &[
        ("linux/amd64", &["linux/s390x", "linux/amd64"], Some("linux/amd64")),
        ("linux/amd64", &["linux/amd64/v2", "linux/amd64"], Some("linux/amd64")),
        ("linux/amd64", &["linux/amd64/v3"], None),
        ("linux/amd64/v3", &["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], Some("linux/amd64/v2")),
        ("linux/amd64", &["linux/x86_64"], Some("linux/x86_64")),
        ("linux/amd64", &["windows/amd64", "darwin/amd64"], None),
        ("linux/arm64", &["linux/arm/v7", "linux/arm64/v8"], Some("linux/arm64/v8")),
        ("linux/arm64", &["linux/arm64"], Some("linux/arm64")),
        ("linux/arm64", &["linux/aarch64/v8"], Some("linux/aarch64/v8")),
        ("linux/arm64", &["linux/arm64/v9", "linux/arm64/v8.1"], None),
        ("linux/arm/v7", &["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], Some("linux/arm/v6")),
        ("linux/arm/v6", &["linux/arm"], None),
        ("linux/arm", &["linux/arm/v7"], Some("linux/arm/v7")),
        ("linux/amd64", &["unknown/unknown", "linux/amd64"], Some("linux/amd64")),
        ("linux/amd64", &["", "linux/amd64"], Some("linux/amd64")),
        ("linux/amd64", &["", "linux/s390x"], Some("")),
        ("linux/amd64", &[], None),
    ];
    for (node, platforms, expected) in cases {
        assert_eq!(chosen(node, platforms).as_deref(), *expected, "{node} of {platforms:?}");
    }
}

#[test]
fn of_equals_the_first() {
    let a = format!(
        r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{}","size":1,"platform":{{"os":"linux","architecture":"amd64"}}}}"#,
        Digest::of(b"1")
    );
    let b = a.replace(&Digest::of(b"1").to_string(), &Digest::of(b"2").to_string());
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{a},{b}]}}"#);
    let Document::Index(entries) = parse("x", text.as_bytes()).unwrap() else { panic!("an index") };
    assert_eq!(choose("x", &entries, &Platform::new("linux", "amd64", "")).unwrap().digest, Digest::of(b"1"));
}

#[test]
fn entries_of_other_kinds_are_skipped() {
    let text = format!(
        r#"{{"schemaVersion":2,"manifests":[{},{{"mediaType":"x","digest":"blake3:1","size":1}}]}}"#,
        descriptor_json("application/vnd.oci.image.config.v1+json", Some("linux/amd64"))
    );
    let Document::Index(entries) = parse("x", text.as_bytes()).unwrap() else { panic!("an index") };
    assert_eq!(entries.len(), 1);
    assert!(choose("x", &entries, &Platform::new("linux", "amd64", "")).is_err());
}

#[test]
fn layer_types() {
    let image = |media_type: &str| {
        let layer = descriptor_json(media_type, None);
        parse("x", format!(r#"{{"schemaVersion":2,"config":{layer},"layers":[{layer}]}}"#).as_bytes())
    };
    for fine in [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
    ] {
        assert!(image(fine).is_ok(), "{fine}");
    }
    for refused in [
        "",
        "application/octet-stream",
        "application/vnd.oci.image.layer.v1.tar+encrypted",
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.v1.tarball",
    ] {
        assert!(image(refused).is_err(), "{refused}");
    }
}

#[test]
fn fields_nobody_knows_are_skipped() {
    let text = r#"{"schemaVersion":2,"subject":{"x":[1,2]},"annotations":{"a":"b"},"artifactType":null,"manifests":[]}"#;
    assert!(matches!(parse("x", text.as_bytes()), Ok(Document::Index(entries)) if entries.is_empty()));
}

proptest! {
    #[test]
    fn noise_never_panics(text in "[\\[\\]{}\":,a-z0-9 ]{0,200}") {
        let _ = parse("x", text.as_bytes());
    }

    #[test]
    fn shapes_never_panic(version in 0_u8..4, kind in 0_u8..16, size in any::<i64>()) {
        let part = |bit: u8, text: &str| if kind & bit == 0 { String::new() } else { format!(",{text}") };
        let descriptor = format!(r#"{{"mediaType":"{OCI_MANIFEST}","digest":"{}","size":{size}}}"#, Digest::of(b""));
        let text = format!(
            r#"{{"schemaVersion":{version}{}{}{}{}}}"#,
            part(1, &format!(r#""config":{descriptor}"#)), part(2, &format!(r#""layers":[{descriptor}]"#)),
            part(4, &format!(r#""manifests":[{descriptor}]"#)), part(8, r#""fsLayers":[]"#)
        );
        let _ = parse("x", text.as_bytes());
    }
}
