//! Image references: Docker's familiar names parsed into host, path, tag and digest.
//!
//! ```text
//! busybox                    docker.io / library/busybox : latest
//! quay.io/team/app:1@sha256… quay.io   / team/app        @ sha256…   (the digest decides, the tag is a comment)
//! localhost:5000/a/b         localhost:5000 / a/b        : latest
//! ```
//! The grammar is the one of distribution/reference; nothing outside it is guessed at.

use std::fmt;

use crate::digest::{Digest, DigestError};
use crate::error::{Error, Result};

/// Limit of the name (host and path): distribution's `NameTotalLengthMax`.
const NAME_MAX: usize = 255;
/// Limit of a tag: distribution's grammar.
const TAG_MAX: usize = 128;
/// The host of names without one.
const DEFAULT_HOST: &str = "docker.io";
/// The tag of names with neither tag nor digest.
const DEFAULT_TAG: &str = "latest";

/// A parsed, complete reference.
///
/// ```
/// let busybox = imagestore::Reference::parse("busybox").unwrap();
/// assert_eq!(busybox.to_string(), "docker.io/library/busybox:latest");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    host: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Parses a familiar or complete reference.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why| Error::Reference { text: shortened(text), why };
        // A name, a tag and a digest at their longest, with the separators.
        if text.len() > NAME_MAX + 1 + TAG_MAX + 1 + 71 {
            return Err(wrong("it is too long"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|e| wrong(digest_fault(e)))?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest);
        if let Some(tag) = tag {
            check_tag(tag).map_err(wrong)?;
        }
        let (host, path) = split_host(name);
        let host = check_host(host).map_err(wrong)?;
        check_path(path).map_err(wrong)?;
        let path = match host == DEFAULT_HOST && !path.contains('/') {
            true if Digest::from_hex(path).is_ok() => {
                return Err(wrong("64 hex digits are an image id, not a name"));
            }
            true => format!("library/{path}"),
            false => path.to_owned(),
        };
        if host.len() + 1 + path.len() > NAME_MAX {
            return Err(wrong("the name is longer than 255 characters"));
        }
        let tag = match (tag, digest) {
            (None, None) => Some(DEFAULT_TAG.to_owned()),
            (tag, _) => tag.map(str::to_owned),
        };
        Ok(Self { host, path, tag, digest })
    }

    /// The registry's host with its port, if one was given: `docker.io`, `localhost:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository below the host: `library/busybox`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The tag; `latest` if neither tag nor digest was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, which decides over the tag.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Host and path: `docker.io/library/busybox`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.host, self.path)
    }

    /// The name that CRI calls a repo tag, unless a digest was given.
    pub fn repo_tag(&self) -> Option<String> {
        match (&self.tag, self.digest) {
            (Some(tag), None) => Some(format!("{}:{tag}", self.repository())),
            _ => None,
        }
    }

    /// The name that CRI calls a repo digest, for content `digest` of this repository.
    pub fn repo_digest(&self, digest: &Digest) -> String {
        format!("{}@{digest}", self.repository())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Enough of a hostile text to recognise it in an error.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn digest_fault(fault: DigestError) -> &'static str {
    match fault {
        DigestError::Algorithm => "only sha256 digests are supported",
        DigestError::NoAlgorithm | DigestError::Hex => "the digest is not sha256:<64 lower-case hex digits>",
    }
}

/// A colon after the last slash starts a tag; an earlier one belongs to the port.
fn split_tag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (text, None),
    }
}

/// The first component is a host if it could not be a path of Docker Hub.
fn split_host(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':', '['])
                || first.contains(|c: char| c.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_HOST, name),
    }
}

/// Checks `host[:port]` and makes it canonical: lower case, one name for Docker Hub.
fn check_host(text: &str) -> std::result::Result<String, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or("the host's '[' has no ']'")?;
            address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| "the host in brackets is not an IPv6 address")?;
            match port.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if port.is_empty() => (None, None),
                None => return Err("only a port may follow the host's ']'"),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    if let Some(host) = host
        && !host.split('.').all(is_label)
    {
        return Err("the host has a label that is not letters, digits and inner dashes");
    }
    if let Some(port) = port
        && (port.is_empty()
            || port.len() > 5
            || !port.bytes().all(|b| b.is_ascii_digit())
            || !matches!(port.parse::<u32>(), Ok(1..=65535)))
    {
        return Err("the port is not a number from 1 to 65535");
    }
    // A lone upper-case word is a host only because of its case (`HOST/x`): lowering it would make it a path.
    let host = if text.contains(['.', ':']) { text.to_ascii_lowercase() } else { text.to_owned() };
    Ok(if host == "index.docker.io" { DEFAULT_HOST.to_owned() } else { host })
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(inner)
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

fn check_tag(tag: &str) -> std::result::Result<(), &'static str> {
    let bytes = tag.as_bytes();
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match bytes.first() {
        None => Err("the tag is empty"),
        Some(_) if bytes.len() > TAG_MAX => Err("the tag is longer than 128 characters"),
        Some(first) if !word(*first) => Err("a tag begins with a letter, a digit or '_'"),
        Some(_) if !bytes.iter().all(|b| word(*b) || matches!(b, b'.' | b'-')) => {
            Err("a tag has letters, digits, '_', '.' and '-' only")
        }
        Some(_) => Ok(()),
    }
}

fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    if path.is_empty() {
        return Err("the name is empty");
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err("the name must be lower case");
    }
    match path.split('/').all(is_path_component) {
        true => Ok(()),
        false => Err("a part of the name is not letters and digits, joined by '.', '_', '__' or dashes"),
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = component.as_bytes();
    let mut at = 0;
    loop {
        let word = bytes[at..].iter().take_while(|b| alnum(**b)).count();
        if word == 0 {
            return false;
        }
        at += word;
        if at == bytes.len() {
            return true;
        }
        let separator = bytes[at..].iter().take_while(|b| !alnum(**b)).count();
        match &bytes[at..at + separator] {
            b"." | b"_" | b"__" => {}
            dashes if dashes.iter().all(|b| *b == b'-') => {}
            _ => return false,
        }
        at += separator;
    }
}

#[cfg(test)]
mod tests;
