//! The texts of a pod's hosts, resolv.conf and hostname files.

use std::{fmt::Write, net::IpAddr};

use proto::cri;

use crate::error::{Result, SpecError, quoted};

/// Longest host name: __NEW_UTS_LEN of `<linux/utsname.h>`.
const HOSTNAME_LIMIT: usize = 64;

/// Longest domain, RFC 1035, with its final dot.
const DOMAIN_LIMIT: usize = 254;

/// `/etc/hostname`.
///
/// ```
/// assert_eq!(spec::hostname("web-0").unwrap(), "web-0\n");
/// assert!(spec::hostname("web\n127.0.0.1 bank").is_err());
/// ```
///
/// # Errors
/// A name that is empty, longer than 64 bytes, or holds anything but letters, digits, ".", "-" and "_".
pub fn hostname(name: &str) -> Result<String> {
    if name.is_empty() || name.len() > HOSTNAME_LIMIT || !plain(name) {
        return Err(SpecError::invalid(
            format!("hostname {}", quoted(name)),
            format!("it must be 1 to {HOSTNAME_LIMIT} letters, digits, \".\", \"-\" or \"_\""),
            "shorten or rename it; for a long domain remove setHostnameAsFQDN",
        ));
    }
    Ok(format!("{name}\n"))
}

/// `/etc/hosts` of a pod with its own network. A pod in the host's network gets the host's file instead.
///
/// # Errors
/// As [`hostname`].
pub fn hosts(name: &str, addresses: &[IpAddr]) -> Result<String> {
    hostname(name)?;
    let mut text = String::from(
        "127.0.0.1\tlocalhost\n\
         ::1\tlocalhost ip6-localhost ip6-loopback\n\
         fe00::\tip6-localnet\n\
         ff02::1\tip6-allnodes\n\
         ff02::2\tip6-allrouters\n",
    );
    let short = name.split('.').next().unwrap_or(name);
    for address in addresses {
        let alias = if short == name { String::new() } else { format!(" {short}") };
        writeln!(text, "{address}\t{name}{alias}")
            .map_err(|_| SpecError::internal("hosts", "a string did not grow"))?;
    }
    Ok(text)
}

/// `/etc/resolv.conf`; `host` is the machine's own file, whose name servers hold when the pod names none.
///
/// # Errors
/// A server that is not an address, or white space or control characters in a domain or an option.
pub fn resolv_conf(dns: Option<&cri::DnsConfig>, host: &[u8]) -> Result<Vec<u8>> {
    let Some(dns) = dns else { return Ok(host.to_vec()) };
    if dns.servers.is_empty() && dns.searches.is_empty() && dns.options.is_empty() {
        return Ok(host.to_vec());
    }
    for search in &dns.searches {
        if search.is_empty() || search.len() > DOMAIN_LIMIT || !plain(search) {
            return Err(bad("search domain", search, "it is no domain"));
        }
    }
    for option in &dns.options {
        let printable = option.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b';');
        if option.is_empty() || option.len() > DOMAIN_LIMIT || !printable {
            return Err(bad("resolver option", option, "it is none of resolv.conf(5)"));
        }
    }

    let mut lines = Vec::new();
    match dns.searches.as_slice() {
        [] => lines.extend(inherited(host, &[b"search", b"domain"])),
        searches => lines.push(format!("search {}", searches.join(" ")).into_bytes()),
    }
    match dns.servers.as_slice() {
        [] => lines.extend(inherited(host, &[b"nameserver"])),
        servers => {
            for server in servers {
                lines.push(format!("nameserver {}", address(server)?).into_bytes());
            }
        }
    }
    match dns.options.as_slice() {
        [] if dns.servers.is_empty() => lines.extend(inherited(host, &[b"options"])),
        [] => {}
        options => lines.push(format!("options {}", options.join(" ")).into_bytes()),
    }
    let mut text = lines.join(&b'\n');
    text.push(b'\n');
    Ok(text)
}

/// The lines of the host's file that start with one of these words.
fn inherited(host: &[u8], words: &[&[u8]]) -> Vec<Vec<u8>> {
    let first_word = |line: &[u8]| line.split(u8::is_ascii_whitespace).next().map(<[u8]>::to_vec);
    let wanted = |line: &&[u8]| first_word(line).is_some_and(|first| words.contains(&first.as_slice()));
    host.split(|byte| *byte == b'\n').filter(wanted).map(<[u8]>::to_vec).collect()
}

/// An address, perhaps with a zone: "fe80::1%eth0".
fn address(server: &str) -> Result<&str> {
    let (address, zone) = server.split_once('%').unwrap_or((server, "lo"));
    if address.parse::<IpAddr>().is_err() || zone.is_empty() || !plain(zone) {
        return Err(bad("DNS server", server, "it is no IP address"));
    }
    Ok(server)
}

/// One word of a line format: nothing that could end the word, the line or the file.
fn plain(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

fn bad(thing: &str, text: &str, cause: &str) -> SpecError {
    SpecError::invalid(format!("{thing} {}", quoted(text)), cause, "correct the pod's dnsConfig")
}

#[cfg(test)]
mod tests;
