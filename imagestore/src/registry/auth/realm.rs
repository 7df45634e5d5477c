//! Which token service may be asked, and which may see a secret.

use reqwest::Url;

use crate::registry::failure::Failure;
use crate::registry::origin::{Origin, quoted};

/// Second-level names under which strangers register (`co.uk`).
const SHARED_SECOND_LEVEL: [&str; 10] = ["co", "com", "net", "org", "gov", "edu", "ac", "or", "ne", "go"];
/// Domains of providers whose customers get a name each: being neighbours there means nothing.
const SHARED_DOMAINS: [&str; 12] = [
    "amazonaws.com",
    "azurecr.io",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfront.net",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "jfrog.io",
    "pages.dev",
    "pkg.dev",
    "run.app",
];

/// Checks the realm of a Bearer challenge from `registry`. With `secret`, it must belong to the registry's site or be
/// in `allowed`, because the secret will be sent there.
pub(crate) fn check(
    registry: &Origin,
    realm: &str,
    secret: bool,
    allowed: &[String],
) -> Result<Url, Failure> {
    let shown = quoted(realm);
    let url =
        Url::parse(realm).map_err(|_| Failure::protocol(format!("its token service {shown:?} is no URL")))?;
    let Some(origin) = Origin::of(&url) else {
        return Err(Failure::protocol(format!(
            "its token service {shown:?} is no http(s) URL without user and password"
        )));
    };
    if registry.https && !origin.https {
        return Err(Failure::refused(format!("it wants a token fetched without TLS from {origin}")));
    }
    if secret && !same_site(&registry.host, &origin.host) && !allowed.contains(&origin.host) {
        return Err(Failure::refused(format!(
            "it wants the credentials sent to another site, {origin}: if that is right, add token_realms = [{:?}] to its hosts.toml",
            origin.host
        )));
    }
    // An http registry's word is as weak as its transport: its token service must be on the same host.
    if secret && !registry.https && registry.host != origin.host && !allowed.contains(&origin.host) {
        return Err(Failure::refused(format!(
            "it is not protected by TLS and wants the credentials sent to {origin}"
        )));
    }
    Ok(url)
}

/// Same host, one above the other, or siblings below a domain that one owner has.
fn same_site(registry: &str, realm: &str) -> bool {
    let below = |inner: &str, outer: &str| inner.strip_suffix(outer).is_some_and(|rest| rest.ends_with('.'));
    if registry == realm {
        return true;
    }
    // Addresses have no domains.
    if is_address(registry) || is_address(realm) {
        return false;
    }
    match (owned_domain(registry), owned_domain(realm)) {
        (Some(a), Some(b)) if a == b => !SHARED_DOMAINS.contains(&a) || below(registry, realm),
        _ => false,
    }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

/// The part of a name that somebody registered: two labels, or three below `co.uk` and the like.
fn owned_domain(host: &str) -> Option<&str> {
    let dots: Vec<usize> = host.match_indices('.').map(|(at, _)| at).collect();
    let last = *dots.last()?;
    let second_level = match dots.len() {
        1 => &host[..last],
        n => &host[dots[n - 2] + 1..last],
    };
    let shared = host.len() - last == 3 && SHARED_SECOND_LEVEL.contains(&second_level);
    let labels = if shared { 3 } else { 2 };
    match dots.len() + 1 {
        n if n < labels => None,
        n if n == labels => Some(host),
        n => Some(&host[dots[n - labels - 1] + 1..]),
    }
}
