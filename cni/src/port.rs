//! HostPorts: which port of the node leads to which port of a pod.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use crate::error::{Error, Result};

/// Transport protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP, protocol 6.
    Tcp,
    /// UDP, protocol 17.
    Udp,
    /// SCTP, protocol 132.
    Sctp,
}

impl Protocol {
    /// `IPPROTO_*`.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// The protocol with that `IPPROTO_*`, if hostPorts know it.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            6 => Some(Self::Tcp),
            17 => Some(Self::Udp),
            132 => Some(Self::Sctp),
            _ => None,
        }
    }

    /// `tcp`, `udp` or `sctp`, as CNI writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One hostPort. `host_port` 0 means "none" (CRI's text since 1.33) and is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortMapping {
    /// Address of the node it holds for; `None`, `0.0.0.0` and `::` mean all.
    pub host_ip: Option<IpAddr>,
    /// Port of the node.
    pub host_port: u16,
    /// Port of the pod.
    pub container_port: u16,
    /// Transport.
    pub protocol: Protocol,
}

impl PortMapping {
    /// The IPv4 address of the node this holds for (`None`: all), for a pod that has IPv4 only.
    pub(crate) fn ipv4_host(&self) -> Result<Option<Ipv4Addr>> {
        match self.host_ip {
            None => Ok(None),
            Some(any) if any.is_unspecified() => Ok(None),
            Some(IpAddr::V4(address)) => Ok(Some(address)),
            Some(IpAddr::V6(address)) => Err(Error::invalid(
                "hostPort address",
                &address.to_string(),
                "an IPv4 address, for the pod has no IPv6 address to lead to",
            )),
        }
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host_ip {
            Some(IpAddr::V6(address)) => write!(f, "{}/[{address}]:{}", self.protocol, self.host_port),
            Some(IpAddr::V4(address)) => write!(f, "{}/{address}:{}", self.protocol, self.host_port),
            None => write!(f, "{}/{}", self.protocol, self.host_port),
        }
    }
}
