//! Addresses a subnet gives: gateway, range for pods, and the MAC address that belongs to an IP address.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::error::{Error, Result};

/// Shortest and longest prefix a pod subnet may have: a /30 holds the gateway and one pod.
const PREFIXES: std::ops::RangeInclusive<u8> = 8..=30;

/// A checked pod subnet: host bits zero, room for a gateway and a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet(Ipv4Net);

impl Subnet {
    pub(crate) fn new(net: Ipv4Net) -> Result<Self> {
        if net.network() != net.addr() {
            return Err(Error::invalid(
                "pod subnet",
                &net.to_string(),
                &format!("without host bits, as {}", net.trunc()),
            ));
        }
        if !PREFIXES.contains(&net.prefix_len()) {
            return Err(Error::invalid("pod subnet", &net.to_string(), "a prefix of 8 to 30 bits"));
        }
        if net.network().is_loopback() || net.network().is_multicast() || net.network().is_unspecified() {
            return Err(Error::invalid("pod subnet", &net.to_string(), "a unicast network"));
        }
        Ok(Self(net))
    }

    pub(crate) const fn net(self) -> Ipv4Net {
        self.0
    }

    /// The first address: the bridge has it.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.0.network().to_bits() + 1)
    }

    /// First and last address for pods.
    pub(crate) fn range(self) -> (Ipv4Addr, Ipv4Addr) {
        let (network, broadcast) = (self.0.network().to_bits(), self.0.broadcast().to_bits());
        (Ipv4Addr::from_bits(network + 2), Ipv4Addr::from_bits(broadcast - 1))
    }

    pub(crate) fn holds_pod(self, address: Ipv4Addr) -> bool {
        let (first, last) = self.range();
        (first..=last).contains(&address)
    }
}

/// MAC address of whoever has `address` on the bridge: locally administered, and a function of the address, so that a
/// neighbour entry of the node or of another pod stays true when the address goes to a new pod.
pub(crate) fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x0a, 0xbe, a, b, c, d]
}
