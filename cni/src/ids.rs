//! Names and ids as types: each can only be had by parsing, so a path or an interface name never carries a surprise.

use std::fmt;

use crate::error::{Error, Result};

/// Names an attachment of something (a pod) to a network: 12 to 64 lower-case hexadecimal digits.
///
/// The daemon's pod ids are 64 such digits. Twelve of them name the host's end of the veth pair, so two attachments must
/// differ there (random ids do: 2⁴⁸).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachmentId(String);

impl AttachmentId {
    /// Shortest id: it must fill the name of the host interface.
    pub const MIN: usize = 12;
    /// Longest id: a SHA-256 in hexadecimal; also fits the 255 bytes of user data of an nftables element.
    pub const MAX: usize = 64;

    /// Takes `text` if it is an id.
    pub fn parse(text: &str) -> Result<Self> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && (Self::MIN..=Self::MAX).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid("attachment id", text, "12 to 64 lower-case hexadecimal digits"))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every host interface of ours begins with; [`host_interface`] adds twelve digits.
pub(crate) const HOST_PREFIX: &str = "bv";

/// Name of the host's end of the attachment's veth pair: `bv` and the first twelve digits of the id (14 of at most 15 bytes).
#[must_use]
pub fn host_interface(id: &AttachmentId) -> String {
    format!("{HOST_PREFIX}{}", &id.0[..AttachmentId::MIN])
}

/// Whether `name` is one [`host_interface`] can have made.
pub(crate) fn is_host_interface(name: &str) -> bool {
    name.strip_prefix(HOST_PREFIX).is_some_and(|rest| {
        rest.len() == AttachmentId::MIN && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Name of a network interface: 1 to 15 bytes the kernel's `dev_valid_name` takes, and no `%` (which it expands).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName(String);

impl IfName {
    /// `IFNAMSIZ` without its NUL.
    pub const MAX: usize = 15;

    /// Takes `text` if it can name an interface.
    pub fn parse(text: &str) -> Result<Self> {
        let fits = (1..=Self::MAX).contains(&text.len()) && text != "." && text != "..";
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':' | b'%'));
        if fits && plain {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid(
            "interface name",
            text,
            "1 to 15 printable ASCII characters without '/', ':', '%' or blanks",
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name of a CNI network: a letter or digit, then letters, digits, `_`, `.` or `-` (CNI specification, section 1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkName(String);

impl NetworkName {
    /// The specification knows no limit; the name becomes part of a file name, which has one (255).
    pub const MAX: usize = 128;

    /// Takes `text` if it can name a network.
    pub fn parse(text: &str) -> Result<Self> {
        let mut bytes = text.bytes();
        let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'));
        if first && rest && text.len() <= Self::MAX {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid(
            "network name",
            text,
            "at most 128 of letters, digits, '_', '.' and '-', first a letter or digit",
        ))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
