//! The texts of a pod's hosts, resolv.conf and hostname files.

use std::net::IpAddr;

use proto::cri;

use crate::error::{Result, SpecError};

/// `/etc/hostname`.
///
/// # Errors
/// A name that is not a host name of at most 64 bytes.
pub fn hostname(_name: &str) -> Result<String> {
    Err(SpecError::unsupported("hostname", "not built yet", "wait"))
}

/// `/etc/hosts` of a pod with its own network. A pod in the host's network gets the host's file instead.
///
/// # Errors
/// As [`hostname`].
pub fn hosts(_name: &str, _addresses: &[IpAddr]) -> Result<String> {
    Err(SpecError::unsupported("hosts", "not built yet", "wait"))
}

/// `/etc/resolv.conf`; `host` is the machine's own file, whose name servers hold when the pod names none.
///
/// # Errors
/// A server that is not an address, or white space or control characters in a domain or an option.
pub fn resolv_conf(_dns: Option<&cri::DnsConfig>, _host: &[u8]) -> Result<Vec<u8>> {
    Err(SpecError::unsupported("resolv.conf", "not built yet", "wait"))
}
