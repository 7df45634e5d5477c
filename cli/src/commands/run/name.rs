//! Names of pods: they become host names.

use crate::failure::{Failure, Result};

/// RFC 1123: what a host name's label may be.
pub(super) fn parse(text: &str) -> Result<String, String> {
    let good = (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if good { Ok(text.to_owned()) } else { Err("up to 63 of a-z, 0-9 and -, as in a host name".to_owned()) }
}

/// The last part of the image's name, and four random digits.
pub(super) fn made_from(image: &str) -> Result<String> {
    Ok(format!("{}-{}", base(image), random_hex::<2>()?))
}

/// Random bytes in hex.
pub(super) fn random_hex<const N: usize>() -> Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("getrandom: {error}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// "registry:5000/team/My_App:1.2@sha256:…" is "my-app".
fn base(image: &str) -> String {
    // An id tells nobody anything.
    let image = if image.starts_with("sha256:") { "" } else { image };
    let name = image.split('@').next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "pod".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_host_names() {
        for good in ["a", "web-1", &"x".repeat(63)] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "Web", "a.b", "a_b", "a\n", &"x".repeat(64)] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn images_lend_their_names() {
        for (image, name) in [
            ("nginx", "nginx"),
            ("localhost:5000/team/My_App:1.2", "my-app"),
            ("alpine@sha256:00", "alpine"),
            ("0123456789ab", "0123456789ab"),
            ("sha256:0123", "pod"),
            ("___", "pod"),
            ("", "pod"),
        ] {
            assert_eq!(base(image), name, "{image}");
            assert!(parse(&made_from(image).unwrap()).is_ok());
        }
    }
}
