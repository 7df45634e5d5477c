//! Digest texts: what parses, what is refused.

use super::*;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn round_trips() {
    let text = format!("sha256:{EMPTY}");
    let digest: Digest = text.parse().unwrap();
    assert_eq!(digest.to_string(), text);
    assert_eq!(digest.hex(), EMPTY);
    assert_eq!(digest, Digest::of(b""));
    let mut hasher = Hasher::default();
    hasher.update(b"ab");
    hasher.update(b"c");
    assert_eq!(hasher.finish(), Digest::of(b"abc"));
}

#[test]
fn refuses_everything_else() {
    let hex_cases = [
        format!("sha256:{}", EMPTY.to_uppercase()),
        format!("sha256:{EMPTY}0"),
        format!("sha256:{}", &EMPTY[1..]),
        format!("sha256:{}", EMPTY.replace('e', "g")),
        format!("sha256:../../{}", &EMPTY[6..]),
        format!("sha256: {}", &EMPTY[1..]),
        format!("sha256:{}é", &EMPTY[2..]),
        "sha256:".to_owned(),
        format!("sha256:{}\0", &EMPTY[1..]),
    ];
    for text in hex_cases {
        assert_eq!(text.parse::<Digest>(), Err(DigestError::Hex), "{text:?}");
    }
    for text in [format!("sha512:{EMPTY}{EMPTY}"), format!("SHA256:{EMPTY}"), format!(":{EMPTY}")] {
        assert_eq!(text.parse::<Digest>(), Err(DigestError::Algorithm), "{text:?}");
    }
    for text in ["", EMPTY, "sha256"] {
        assert_eq!(text.parse::<Digest>(), Err(DigestError::NoAlgorithm), "{text:?}");
    }
}

#[test]
fn serde_is_the_text() {
    let digest = Digest::of(b"x");
    let json = serde_json::to_string(&digest).unwrap();
    assert_eq!(json, format!("\"{digest}\""));
    assert_eq!(serde_json::from_str::<DiffId>(&json).unwrap(), DiffId(digest));
    assert!(serde_json::from_str::<Digest>("\"sha256:00\"").is_err());
}
