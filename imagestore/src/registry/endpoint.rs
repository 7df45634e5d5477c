//! An endpoint: one server that may answer for a registry, with all that its configuration says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

use crate::digest::{Digest, Hasher};
use crate::registry::origin::Origin;

/// TLS material, read from files.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// PEM texts of certificate authorities, besides the system's.
    pub(crate) ca: Vec<Vec<u8>>,
    /// PEM texts of certificate chains and their keys.
    pub(crate) client: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) skip_verify: bool,
}

impl Tls {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.ca.is_empty() && self.client.is_empty() && !self.skip_verify
    }

    /// Names the content, so that clients can be found by it.
    pub(crate) fn fingerprint(&self) -> Digest {
        let mut hasher = Hasher::default();
        let client = self.client.iter().flat_map(|(chain, key)| [chain, key]);
        for text in self.ca.iter().chain(client) {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text);
        }
        hasher.update(&self.ca.len().to_le_bytes());
        hasher.update(&[self.skip_verify.into()]);
        hasher.finish()
    }

    /// The same for a server that this one sends us to: our identity is not for strangers.
    pub(crate) fn without_identity(&self) -> Self {
        Self { client: Vec::new(), ..self.clone() }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({} ca, {} client, skip_verify {})", self.ca.len(), self.client.len(), self.skip_verify)
    }
}

/// One server.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// The API's root, usually `…/v2`; without userinfo, query and trailing slash.
    pub(crate) base: Url,
    pub(crate) origin: Origin,
    /// May be asked for content by digest.
    pub(crate) pull: bool,
    /// May be asked what a tag means.
    pub(crate) resolve: bool,
    pub(crate) tls: Arc<Tls>,
    /// Sent with every request to this origin.
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) dial_timeout: Option<Duration>,
    /// Hosts of token services that may see credentials, besides the obvious ones.
    pub(crate) token_realms: Vec<String>,
    /// Tells a mirror whose content is meant.
    pub(crate) namespace: Option<String>,
    /// Is the registry of the image's name, not a mirror: may see the caller's credentials.
    pub(crate) is_server: bool,
}

impl Endpoint {
    /// The URL of `below`, which is made of checked path components.
    pub(crate) fn url(&self, below: &str) -> Url {
        let mut url = self.base.clone();
        let root = self.base.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{root}/{below}"));
        if let Some(namespace) = &self.namespace {
            url.query_pairs_mut().append_pair("ns", namespace);
        }
        url
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers may hold secrets.
        write!(f, "Endpoint({})", self.base)
    }
}
