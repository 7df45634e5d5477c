//! `-p`: which port of the node leads to which port of the container.

use std::net::IpAddr;

use proto::cri::{PortMapping, Protocol};

/// `[IP:]HOST:CONTAINER[/PROTOCOL]`, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    ip: Option<IpAddr>,
    host: u16,
    container: u16,
    protocol: Protocol,
}

impl Port {
    /// IPv6 addresses stand in brackets.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (ports, protocol) = match text.split_once('/') {
            None | Some((_, "tcp")) => (text.split('/').next().unwrap_or_default(), Protocol::Tcp),
            Some((ports, "udp")) => (ports, Protocol::Udp),
            Some((ports, "sctp")) => (ports, Protocol::Sctp),
            Some((_, other)) => return Err(format!("{other:?} is not tcp, udp or sctp")),
        };
        let usage = || "use [IP:]HOST:CONTAINER[/udp], such as 8080:80".to_owned();
        let (rest, container) = ports.rsplit_once(':').ok_or_else(usage)?;
        let (ip, host) = match rest.rsplit_once(':') {
            None => (None, rest),
            Some((ip, host)) => (Some(address(ip)?), host),
        };
        Ok(Self { ip, host: number(host)?, container: number(container)?, protocol })
    }

    /// As CRI wants it.
    pub(super) fn mapping(&self) -> PortMapping {
        PortMapping {
            protocol: self.protocol as i32,
            container_port: self.container.into(),
            host_port: self.host.into(),
            host_ip: self.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        }
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let ip = match bare {
        Some(six) => six.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    };
    ip.ok_or_else(|| format!("{text:?} is not an address; IPv6 stands in brackets"))
}

/// Digits only: `parse` alone would take "+80", too.
fn number(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse().ok() } else { None };
    port.filter(|port| *port != 0).ok_or_else(|| format!("{text:?} is not a port from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(ip: Option<&str>, host: u16, container: u16, protocol: Protocol) -> Port {
        Port { ip: ip.map(|ip| ip.parse().unwrap()), host, container, protocol }
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(Port::parse("8080:80"), Ok(port(None, 8080, 80, Protocol::Tcp)));
        assert_eq!(Port::parse("53:53/udp"), Ok(port(None, 53, 53, Protocol::Udp)));
        assert_eq!(Port::parse("9:9/tcp"), Ok(port(None, 9, 9, Protocol::Tcp)));
        assert_eq!(Port::parse("127.0.0.1:1:2/sctp"), Ok(port(Some("127.0.0.1"), 1, 2, Protocol::Sctp)));
        assert_eq!(Port::parse("[::1]:65535:1"), Ok(port(Some("::1"), 65535, 1, Protocol::Tcp)));
    }

    #[test]
    fn other_forms_are_explained() {
        for bad in [
            "",
            "80",
            ":80",
            "80:",
            "0:80",
            "80:0",
            "65536:1",
            "+80:80",
            "a:b",
            "1:2/icmp",
            "::1:80:80",
            "x:1:2",
            "[127.0.0.1]:1:2",
            " 1:2",
        ] {
            assert!(Port::parse(bad).is_err(), "{bad}");
        }
        assert!(Port::parse("80").unwrap_err().contains("8080:80"));
    }
}
