//! References: a table of what parses into what, and of what is refused.

use super::*;
use proptest::prelude::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn complete_forms() {
    let digested = format!("docker.io/library/busybox@{D}");
    let both = format!("quay.io/a/b:1.2@{D}");
    let cases: &[(&str, &str)] = &[
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/busybox", "docker.io/library/busybox:latest"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox:latest"),
        ("docker.io/a/b/c:_x", "docker.io/a/b/c:_x"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("localhost", "docker.io/library/localhost:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("Registry.Example.COM/x", "registry.example.com/x:latest"),
        ("HOST/x", "HOST/x:latest"),
        ("127.0.0.1:5000/x:y", "127.0.0.1:5000/x:y"),
        ("[::1]:5000/x", "[::1]:5000/x:latest"),
        ("[fd00::1]/x", "[fd00::1]/x:latest"),
        ("a.b/c__d/e--f/g.h_i", "a.b/c__d/e--f/g.h_i:latest"),
        ("gcr.io/k8s-staging-cri-tools/test-image-tags:3", "gcr.io/k8s-staging-cri-tools/test-image-tags:3"),
        ("x:5", "docker.io/library/x:5"),
        ("x:5/y", "x:5/y:latest"),
    ];
    for (text, complete) in cases {
        let parsed = Reference::parse(text).unwrap();
        assert_eq!(parsed.to_string(), *complete, "{text}");
        assert_eq!(parsed.repo_tag().as_deref(), Some(*complete));
        assert_eq!(Reference::parse(complete).unwrap(), parsed, "canonical form is stable");
    }
    let parsed = Reference::parse(&format!("busybox@{D}")).unwrap();
    assert_eq!((parsed.to_string(), parsed.tag(), parsed.repo_tag()), (digested, None, None));
    let parsed = Reference::parse(&both).unwrap();
    assert_eq!((parsed.to_string(), parsed.tag(), parsed.repo_tag()), (both, Some("1.2"), None));
    assert_eq!(parsed.repo_digest(&parsed.digest().unwrap()), format!("quay.io/a/b@{D}"));
}

#[test]
fn refused_forms() {
    let long_tag = format!("x:{}", "a".repeat(129));
    let long_name = format!("h.io/{}", "a/".repeat(130) + "a");
    let huge = "a".repeat(1 << 20);
    let id = D.strip_prefix("sha256:").unwrap();
    let short = format!("x@{}", &D[..70]);
    let sha512 = format!("x@sha512:{id}{id}");
    let upper = format!("x@sha256:{}", id.to_uppercase());
    let twice = format!("x@{D}@{D}");
    let cases: &[&str] = &[
        "",
        " ",
        "/",
        "/x",
        "x/",
        "x//y",
        "x:",
        ":x",
        "x:y:z",
        "X",
        "a/X",
        "x y",
        "x\n",
        "x\0",
        "é",
        "x:é",
        "x:-y",
        "x:.y",
        "..",
        "../x",
        "x/../y",
        "./x",
        "-x",
        "x-",
        "x.",
        ".x",
        "x..y",
        "x___y",
        "x.-y",
        "h.io:0/x",
        "h.io:65536/x",
        "h.io:99999999999/x",
        "h.io:/x",
        "h.io:+5/x",
        "h.io:5a/x",
        "-h.io/x",
        "h-.io/x",
        "h..io/x",
        "h_.io/x",
        "[::1/x",
        "[::1]x/x",
        "[::g]/x",
        "[1.2.3.4]/x",
        "h.io/",
        "user@h.io/x",
        "https://h.io/x",
        "h.io/x?y",
        "h.io/x#y",
        "h.io/x%2fy",
        "x@",
        "x@sha256:",
        "@sha256:",
        "x@sha256:../../etc",
        &long_tag,
        &long_name,
        &huge,
        id,
        &short,
        &sha512,
        &upper,
        &twice,
    ];
    for text in cases {
        let error = Reference::parse(text).expect_err(&format!("{text:?} was taken"));
        assert!(matches!(error, Error::Reference { .. }));
        assert!(error.to_string().len() < 600, "hostile text is shortened");
    }
}

#[test]
fn a_hex_name_below_a_path_is_a_name() {
    let id = D.strip_prefix("sha256:").unwrap();
    assert!(Reference::parse(&format!("team/{id}")).is_ok());
}

proptest! {
    #[test]
    fn never_panics_and_is_stable(text in "\\PC{0,80}") {
        if let Ok(parsed) = Reference::parse(&text) {
            prop_assert_eq!(Reference::parse(&parsed.to_string()).unwrap(), parsed);
        }
    }

    #[test]
    fn grammar_is_taken(host in "([a-z0-9]{1,8}\\.){1,3}[a-z]{2,5}(:[1-9][0-9]{0,3})?", path in "[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,3}", tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}") {
        let parsed = Reference::parse(&format!("{host}/{path}:{tag}")).unwrap();
        prop_assert_eq!(parsed.host(), host);
        prop_assert_eq!(parsed.tag(), Some(tag.as_str()));
        prop_assert!(parsed.path().ends_with(&path));
    }
}
