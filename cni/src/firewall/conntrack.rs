//! Makes UDP hostPorts true for flows that began before them.
//!
//! The kernel asks the rules only for the first packet of a flow and remembers the answer for as long as packets come. With
//! UDP a client that never stops sending (a resolver, a metrics source) would therefore reach for ever what was behind the port
//! when it began: nothing, or a pod that is gone. So the memory of such flows is wiped whenever a UDP hostPort changes.

use std::{net::Ipv4Addr, os::fd::AsFd};

use ipnet::Ipv4Net;
use netlink_packet_core::{DefaultNla, NLA_F_NESTED, NlasIterator};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use sys::Errno;

use super::ports::{Key, Target};
use crate::{
    error::Result,
    netlink::{Connection, Request, is_absent},
    port::Protocol,
};

/// `NFNL_SUBSYS_CTNETLINK`, and its messages.
const CONNTRACK: u8 = 1;
const GET: u8 = 1;
const DELETE: u8 = 2;
/// `struct nfgenmsg`.
const NFGENMSG: usize = 4;

// `enum ctattr_type`, `ctattr_tuple`, `ctattr_ip`, `ctattr_l4proto`, `ctattr_filter`.
const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const FILTER: u16 = 25;
const TUPLE_IP: u16 = 1;
const TUPLE_PROTO: u16 = 2;
const IPV4_SOURCE: u16 = 1;
const IPV4_DESTINATION: u16 = 2;
const PROTO_NUMBER: u16 = 1;
const PROTO_SOURCE_PORT: u16 = 2;
const PROTO_DESTINATION_PORT: u16 = 3;
const FILTER_ORIGINAL_FLAGS: u16 = 1;
const FILTER_REPLY_FLAGS: u16 = 2;
const FILTER_BY_PROTO_NUMBER: u32 = 1 << 3;
const FILTER_BY_DESTINATION_PORT: u32 = 1 << 5;

/// Forgets UDP flows to the hostPort `key` that do not lead to `target`. Flows that only pass through the node to the same
/// port elsewhere are left alone: `pods` tells them apart.
pub(super) fn forget<S: AsFd>(
    connection: &mut Connection<S>,
    key: &Key,
    target: Option<Target>,
    pods: Ipv4Net,
) -> Result<()> {
    if key.protocol != Protocol::Udp {
        return Ok(());
    }
    let flows = match connection.dump(&list(key.port), |payload| Flow::read(payload).map(Some)) {
        Ok(flows) => flows,
        // No conntrack in this kernel's netlink: then nobody can see to it.
        Err(error) if matches!(error.errno(), Some(Errno::EINVAL | Errno::ENOTSUP | Errno::ENOENT)) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for flow in flows.into_iter().flatten().filter(|flow| flow.is_stale(key, target, pods)) {
        let request = request(format!("forget flows to udp port {}", key.port), DELETE, vec![flow.identity]);
        match connection.all(&[request]) {
            Err(error) if error.errno().is_some_and(is_absent) => {}
            done => done?,
        }
    }
    Ok(())
}

fn request(what: String, message_type: u8, attributes: Vec<DefaultNla>) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0);
    let inner = NetfilterMessageInner::Other { subsys: CONNTRACK.into(), message_type, attributes };
    Request::new(what, &NetfilterMessage::new(header, inner), 0)
}

/// Lists UDP flows to the port; the kernel picks them.
fn list(port: u16) -> Request {
    let udp = Protocol::Udp.number();
    let proto =
        [attribute(PROTO_NUMBER, &[udp]), attribute(PROTO_DESTINATION_PORT, &port.to_be_bytes())].concat();
    let tuple = attribute(TUPLE_PROTO | NLA_F_NESTED, &proto);
    let flags = FILTER_BY_PROTO_NUMBER | FILTER_BY_DESTINATION_PORT;
    let filter = [
        attribute(FILTER_ORIGINAL_FLAGS, &flags.to_ne_bytes()),
        attribute(FILTER_REPLY_FLAGS, &0_u32.to_ne_bytes()),
    ]
    .concat();
    let attributes = vec![
        DefaultNla::new(TUPLE_ORIGINAL | NLA_F_NESTED, tuple),
        DefaultNla::new(FILTER | NLA_F_NESTED, filter),
    ];
    request(format!("list flows to udp port {port}"), GET, attributes)
}

/// One attribute with its padding.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tuple {
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    protocol: u8,
}

#[derive(Debug, PartialEq, Eq)]
struct Flow {
    original: Tuple,
    reply: Tuple,
    /// The original tuple as the kernel gave it: it wants it back to delete the flow.
    identity: DefaultNla,
}

impl Flow {
    /// `None` for what is no IPv4 flow with ports.
    fn read(payload: &[u8]) -> Result<Option<Self>, String> {
        let attributes =
            payload.get(NFGENMSG..).ok_or_else(|| format!("a flow in {} bytes", payload.len()))?;
        let (mut original, mut reply) = (None, None);
        for attribute in NlasIterator::new(attributes) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            match attribute.kind() {
                TUPLE_ORIGINAL => {
                    original = Tuple::read(attribute.value()).map(|tuple| (tuple, attribute.value().to_vec()))
                }
                TUPLE_REPLY => reply = Tuple::read(attribute.value()),
                _ => {}
            }
        }
        let (Some((original, bytes)), Some(reply)) = (original, reply) else { return Ok(None) };
        let identity = DefaultNla::new(TUPLE_ORIGINAL | NLA_F_NESTED, bytes);
        Ok(Some(Self { original, reply, identity }))
    }

    fn is_stale(&self, key: &Key, target: Option<Target>, pods: Ipv4Net) -> bool {
        let (address, port) = self.original.destination;
        let meant = self.original.protocol == key.protocol.number()
            && port == key.port
            && key.host.is_none_or(|host| host == address);
        let untouched =
            self.reply.source == self.original.destination && self.reply.destination == self.original.source;
        let led_to_pod =
            self.reply.source != self.original.destination && pods.contains(&self.reply.source.0);
        let right = target.is_some_and(|target| self.reply.source == (target.address, target.port));
        meant && !right && (untouched || led_to_pod)
    }
}

impl Tuple {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut source, mut destination, mut ports) = (None, None, (0, 0));
        let mut protocol = None;
        for part in NlasIterator::new(bytes).flatten() {
            for field in NlasIterator::new(part.value()).flatten() {
                let value = field.value();
                match (part.kind(), field.kind()) {
                    (TUPLE_IP, IPV4_SOURCE) => source = value.try_into().ok().map(Ipv4Addr::from_octets),
                    (TUPLE_IP, IPV4_DESTINATION) => {
                        destination = value.try_into().ok().map(Ipv4Addr::from_octets)
                    }
                    (TUPLE_PROTO, PROTO_NUMBER) => protocol = value.first().copied(),
                    (TUPLE_PROTO, PROTO_SOURCE_PORT) => {
                        ports.0 = value.try_into().map_or(0, u16::from_be_bytes)
                    }
                    (TUPLE_PROTO, PROTO_DESTINATION_PORT) => {
                        ports.1 = value.try_into().map_or(0, u16::from_be_bytes)
                    }
                    _ => {}
                }
            }
        }
        Some(Self { source: (source?, ports.0), destination: (destination?, ports.1), protocol: protocol? })
    }
}

#[cfg(test)]
mod tests;
