//! Origins: scheme, host and port, the unit to which credentials are bound; and URLs fit for an error text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use reqwest::Url;

/// Where a URL leads, as far as trust goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Origin {
    /// The origin of an http or https URL with a host and without userinfo; `None` of any other.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        Some(Self { https, host: url.host_str()?.to_owned(), port: url.port_or_known_default()? })
    }

    /// The host, if it is written as an address, or is the name that means this machine everywhere.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        let host = self.host.trim_end_matches('.');
        if host == "localhost" || host.ends_with(".localhost") {
            return Some(Ipv4Addr::LOCALHOST.into());
        }
        host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// A URL without what may be secret: userinfo, query, fragment.
pub(crate) fn redacted(url: &Url) -> String {
    match Origin::of(url) {
        Some(origin) => format!("{origin}{}", url.path()),
        None => format!("{}:…", url.scheme()),
    }
}

/// A registry's own words, made safe for a log line: one line, printable, short.
pub(crate) fn quoted(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars()
        .filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .map(printable)
        .take(200)
        .collect()
}
