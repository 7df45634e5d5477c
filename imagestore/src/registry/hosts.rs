//! `certs.d/<host>/hosts.toml`: which servers answer for a registry, in containerd's file format.
//!
//! ```toml
//! server = "https://registry.example.com"      # asked last; the registry itself if absent
//! token_realms = ["sso.example.com"]           # ours: token services that may see credentials
//! [host."https://mirror.example.com/hub"]      # asked in the order of the file
//!   capabilities = ["pull", "resolve"]
//!   ca = "mirror.crt"                          # relative to the file
//! ```
//! The directory is `host_port_`, `host:port`, or `_default`; one without hosts.toml may hold Docker's
//! `*.crt` and `*.cert` with `*.key`. A broken file is an error: falling back would ask a server the operator
//! meant to avoid.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::registry::endpoint::{Endpoint, Tls};
use crate::registry::origin::Origin;

mod files;

use files::{Client, OneOrMany};

#[derive(Deserialize, Default)]
struct RawFile {
    server: Option<String>,
    #[serde(default)]
    host: BTreeMap<String, RawHost>,
    #[serde(flatten)]
    own: RawHost,
}

#[derive(Deserialize, Default)]
struct RawHost {
    capabilities: Option<Vec<String>>,
    ca: Option<OneOrMany>,
    client: Option<Client>,
    skip_verify: Option<bool>,
    header: Option<BTreeMap<String, OneOrMany>>,
    #[serde(default)]
    override_path: bool,
    dial_timeout: Option<String>,
    #[serde(default)]
    token_realms: Vec<String>,
}

/// The endpoints for the registry `host`, in the order to ask them. Reads files.
pub(crate) fn endpoints(certs_dir: Option<&Path>, host: &str) -> Result<Vec<Endpoint>> {
    let Some(dir) = certs_dir.and_then(|root| directory(root, host)) else {
        return with_tls(host, Tls::default());
    };
    let path = dir.join("hosts.toml");
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return files::docker_style(&dir, host),
        other => other.map_err(Error::io("read", &path))?,
    };
    parse(&text, &dir, host).map_err(|why| Error::Setting { path, why })
}

/// The first directory that exists.
fn directory(root: &Path, host: &str) -> Option<PathBuf> {
    let with_port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let safe = with_port.map(|(name, port)| format!("{name}_{port}_"));
    safe.iter()
        .map(String::as_str)
        .chain([host, "_default"])
        .map(|name| root.join(name))
        .find(|dir| dir.is_dir())
}

/// The registry itself, with TLS material that somebody left for it.
fn with_tls(host: &str, tls: Tls) -> Result<Vec<Endpoint>> {
    let server = endpoint(&default_url(host, !tls.is_empty()), host, &RawHost::default(), Path::new("/"));
    let server = server.map_err(|why| Error::Document { what: format!("registry {host}"), why })?;
    Ok(vec![Endpoint { is_server: true, tls: Arc::new(tls), ..server }])
}

/// The server of a registry nobody configured: https, but http on this machine unless there is something for TLS.
fn default_url(host: &str, tls: bool) -> String {
    match host {
        "docker.io" => "https://registry-1.docker.io".to_owned(),
        host if is_this_machine(host) && !tls => format!("http://{host}"),
        host => format!("https://{host}"),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => host,
    };
    let address = bare.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    bare == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn parse(text: &str, dir: &Path, host: &str) -> std::result::Result<Vec<Endpoint>, String> {
    let raw: RawFile = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut endpoints = Vec::new();
    for url in in_file_order(text, raw.host.keys())? {
        let entry = raw.host.get(&url).ok_or_else(|| format!("host {url:?} is not a table"))?;
        endpoints.push(endpoint(&url, host, entry, dir).map_err(|why| format!("host {url:?}: {why}"))?);
    }
    let url = raw.server.filter(|url| !url.is_empty()).unwrap_or_else(|| {
        let own = &raw.own;
        default_url(host, own.ca.is_some() || own.client.is_some() || own.skip_verify.is_some())
    });
    let server = endpoint(&url, host, &raw.own, dir).map_err(|why| format!("server {url:?}: {why}"))?;
    let server = Endpoint { is_server: true, ..server };
    match endpoints.iter_mut().find(|mirror| mirror.base == server.base) {
        // The operator says that this mirror is the registry: ask it once, as the registry.
        Some(mirror) => mirror.is_server = true,
        None => endpoints.push(server),
    }
    Ok(endpoints)
}

/// `keys` of the table `host` as the file has them; toml sorts.
fn in_file_order<'a>(
    text: &str,
    keys: impl Iterator<Item = &'a String>,
) -> std::result::Result<Vec<String>, String> {
    let table = toml::de::DeTable::parse(text).map_err(|e| e.to_string())?;
    let hosts = table.get_ref().get("host").and_then(|hosts| hosts.get_ref().as_table());
    let place = |name: &str| {
        let key = hosts?.iter().find(|(key, _)| key.get_ref().as_ref() == name)?.0;
        Some(key.span().start)
    };
    let mut keys: Vec<String> = keys.cloned().collect();
    keys.sort_by_key(|key| place(key));
    Ok(keys)
}

fn endpoint(url: &str, host: &str, raw: &RawHost, dir: &Path) -> std::result::Result<Endpoint, String> {
    let base = base(url, raw.override_path)?;
    let origin = Origin::of(&base).ok_or("it is no http(s) URL with a host and without user and password")?;
    let (pull, resolve) = capabilities(raw.capabilities.as_deref())?;
    let namespace = (with_port(&base) != host
        && !(host == "docker.io" && origin.host == "registry-1.docker.io"))
        .then(|| host.to_owned());
    Ok(Endpoint {
        pull,
        resolve,
        tls: Arc::new(tls(raw, dir)?),
        headers: headers(raw.header.as_ref())?,
        dial_timeout: raw.dial_timeout.as_deref().map(duration).transpose()?,
        token_realms: raw.token_realms.iter().map(|name| name.to_ascii_lowercase()).collect(),
        namespace,
        is_server: false,
        base,
        origin,
    })
}

/// `host[:port]` as it stands in the URL.
fn with_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn base(text: &str, override_path: bool) -> std::result::Result<Url, String> {
    let text = match text.contains("://") {
        true => text.to_owned(),
        false => format!("https://{text}"),
    };
    let mut url = Url::parse(&text).map_err(|e| e.to_string())?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a query or fragment has no place in it".to_owned());
    }
    if url.host_str() == Some("docker.io") {
        url.set_host(Some("registry-1.docker.io")).map_err(|e| e.to_string())?;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    match override_path || path.ends_with("/v2") {
        true => url.set_path(&path),
        false => url.set_path(&format!("{path}/v2")),
    }
    Ok(url)
}

fn capabilities(names: Option<&[String]>) -> std::result::Result<(bool, bool), String> {
    let names = names.unwrap_or_default();
    if names.is_empty() {
        return Ok((true, true));
    }
    let mut can = (false, false);
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "pull" => can.0 = true,
            "resolve" => can.1 = true,
            "push" | "referrers" => {}
            _ => return Err(format!("unknown capability {name:?}: use pull and resolve")),
        }
    }
    Ok(can)
}

fn tls(raw: &RawHost, dir: &Path) -> std::result::Result<Tls, String> {
    let read = |name: &str| files::read(&dir.join(name));
    let ca = raw.ca.as_ref().map(OneOrMany::all).unwrap_or_default();
    let pairs = raw.client.as_ref().map(Client::pairs).transpose()?.unwrap_or_default();
    let client = pairs.iter().map(|(chain, key)| {
        let chain = read(chain)?;
        let key = if key.is_empty() { chain.clone() } else { read(key)? };
        Ok((chain, key))
    });
    Ok(Tls {
        ca: ca.iter().map(|name| read(name)).collect::<std::result::Result<_, String>>()?,
        client: client.collect::<std::result::Result<_, String>>()?,
        skip_verify: raw.skip_verify.unwrap_or(false),
    })
}

fn headers(raw: Option<&BTreeMap<String, OneOrMany>>) -> std::result::Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, values) in raw.into_iter().flatten() {
        let header: HeaderName = name.parse().map_err(|_| format!("header {name:?} is no header name"))?;
        for value in values.all() {
            let mut value =
                HeaderValue::from_str(value).map_err(|_| format!("header {name:?} has a bad value"))?;
            value.set_sensitive(true);
            headers.append(header.clone(), value);
        }
    }
    Ok(headers)
}

/// Go's durations: `1s`, `500ms`, `1m30s`, `1.5s`.
fn duration(text: &str) -> std::result::Result<Duration, String> {
    let wrong = || format!("dial_timeout {text:?} is no duration like \"5s\" or \"500ms\"");
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let factor = match &rest[digits..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        seconds += rest[..digits].parse::<f64>().map_err(|_| wrong())? * factor;
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|d| !d.is_zero() && d.as_secs() < 86_400)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
