//! Where a registry may send us: addresses that are no nearer to us than the registry itself.
//!
//! A registry names the host of its token service and of its blobs. Without a check, one on the internet could
//! make this node ask `169.254.169.254` or a neighbour's private service. The check is made on the very
//! addresses that are then connected to, so a name cannot change its meaning in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How near an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Nearness {
    /// The internet.
    Public,
    /// RFC 1918, RFC 4193, and the carrier's 100.64.0.0/10.
    Private,
    /// This machine.
    Loopback,
    /// This link; clouds put their metadata service here.
    LinkLocal,
    /// No host's address: unspecified, multicast, broadcast, reserved.
    Nobody,
}

impl Nearness {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => match inside(v6) {
                Some(v4) => Self::of_v4(v4),
                None => Self::of_v6(v6),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [127, ..] => Self::Loopback,
            [169, 254, ..] => Self::LinkLocal,
            [0, ..] | [224..=255, ..] => Self::Nobody,
            [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Self::Nobody,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            // fc00::/7, and fec0::/10 of old.
            [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Self::Private,
            _ => Self::Public,
        }
    }

    /// Whether a registry at this nearness may send us to `address`.
    pub(crate) fn admits(self, address: IpAddr) -> bool {
        let there = Self::of(address);
        there != Self::Nobody && there <= self
    }
}

/// The IPv4 address inside a mapped (`::ffff:`), translated (`64:ff9b::`) or 6to4 (`2002:`) address.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let from = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(from(high, low)),
        [0x2002, high, low, ..] => Some(from(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
