//! The files that a registry's directory names or holds: certificates and keys.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::registry::endpoint::{Endpoint, Tls};

/// Largest certificate or key file; the system's bundle of all authorities is a quarter of it.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// `"a"` or `["a", "b"]`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many.iter().map(String::as_str).collect(),
        }
    }
}

/// `"both.pem"`, `["both.pem"]` or `[["chain.pem", "key.pem"]]`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Client {
    One(String),
    Many(Vec<OneOrMany>),
}

impl Client {
    /// Names of chain and key; an empty key means that it is in the chain's file.
    pub(super) fn pairs(&self) -> std::result::Result<Vec<(String, String)>, String> {
        let alone = |name: &str| (name.to_owned(), String::new());
        match self {
            Self::One(name) => Ok(vec![alone(name)]),
            Self::Many(list) => list
                .iter()
                .map(|entry| match entry {
                    OneOrMany::One(name) => Ok(alone(name)),
                    OneOrMany::Many(pair) => match pair.as_slice() {
                        [chain, key] => Ok((chain.clone(), key.clone())),
                        _ => Err("client: a pair has a certificate and a key".to_owned()),
                    },
                })
                .collect(),
        }
    }
}

/// Reads a file whose path the operator wrote.
pub(super) fn read(path: &Path) -> std::result::Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("{}: {e}", path.display());
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > FILE_MAX_BYTES {
        true => Err(format!("{}: it is larger than {FILE_MAX_BYTES} bytes", path.display())),
        false => Ok(bytes),
    }
}

/// A directory without hosts.toml: `*.crt` are authorities, `x.cert` with `x.key` is our identity.
pub(super) fn docker_style(dir: &Path, host: &str) -> Result<Vec<Endpoint>> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map_err(Error::io("list", dir))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let setting = |why| Error::Setting { path: dir.to_owned(), why };
    let mut tls = Tls::default();
    for name in &names {
        if name.ends_with(".crt") {
            tls.ca.push(read(&dir.join(name)).map_err(setting)?);
        } else if let Some(stem) = name.strip_suffix(".cert") {
            let chain = read(&dir.join(name)).map_err(setting)?;
            let key = format!("{stem}.key");
            let key =
                if names.contains(&key) { read(&dir.join(key)).map_err(setting)? } else { chain.clone() };
            tls.client.push((chain, key));
        }
    }
    super::with_tls(host, tls)
}
