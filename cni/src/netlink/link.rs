//! Interfaces: RTM_NEWLINK, RTM_GETLINK, RTM_DELLINK.

use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NlasIterator};
use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{
        AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoBridgePort, InfoData, InfoKind, InfoPortData,
        InfoPortKind, InfoVeth, LinkAttribute, LinkExtentMask, LinkFlags, LinkInfo, LinkMessage,
    },
};

use super::Request;

/// Length of `struct ifinfomsg`.
const IFINFOMSG: usize = 16;
const IFLA_IFNAME: u16 = 3;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_GROUP: u16 = 27;
const IFLA_INFO_KIND: u16 = 1;

/// What we read of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// `bridge`, `veth`; empty for hardware.
    pub(crate) kind: String,
    /// Index of the bridge it is a port of; 0 if none.
    pub(crate) master: u32,
    /// The group it was made in; 0 unless its maker said so.
    pub(crate) group: u32,
}

impl Link {
    /// Reads the payload of an RTM_NEWLINK. Attributes we do not ask for are passed over unread: new kernels may have more
    /// than any parser knows.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, String> {
        let (header, attributes) = payload
            .split_at_checked(IFINFOMSG)
            .ok_or_else(|| format!("an interface in {} bytes", payload.len()))?;
        let index = header[4..8].try_into().map_err(|_| "no index".to_owned())?;
        let mut link = Self { index: u32::from_ne_bytes(index), ..Self::default() };
        for attribute in NlasIterator::new(attributes) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            match attribute.kind() {
                IFLA_IFNAME => link.name = text(attribute.value()),
                IFLA_MASTER => link.master = number(attribute.value()),
                IFLA_GROUP => link.group = number(attribute.value()),
                IFLA_LINKINFO => {
                    let mut parts = NlasIterator::new(attribute.value()).flatten();
                    let kind = parts.find(|part| part.kind() == IFLA_INFO_KIND);
                    link.kind = kind.map_or_else(String::new, |kind| text(kind.value()));
                }
                _ => {}
            }
        }
        Ok(link)
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_ne_bytes)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// An RTM_GETLINK by name. Statistics are left out: they are the dearest part of an answer.
pub(crate) fn get(name: &str) -> Request {
    let message = message(vec![LinkAttribute::IfName(name.to_owned()), skip_statistics()]);
    Request::new(format!("look up interface {name}"), &RouteNetlinkMessage::GetLink(message), 0)
}

/// An RTM_GETLINK for all veth interfaces, for [`super::Connection::dump`].
pub(crate) fn list_veths() -> Request {
    let message =
        message(vec![LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)]), skip_statistics()]);
    Request::new("list veth interfaces", &RouteNetlinkMessage::GetLink(message), 0)
}

fn skip_statistics() -> LinkAttribute {
    LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])
}

/// Makes a bridge, down; the kernel answers EEXIST if the name is taken.
///
/// Its MAC address is fixed: left alone, a bridge takes the lowest of its ports', and would change it, to the pods'
/// confusion, whenever a pod comes or goes.
pub(crate) fn create_bridge(name: &str, mac: [u8; 6], mtu: Option<u32>) -> Request {
    let mut attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        LinkAttribute::Address(mac.to_vec()),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
    ];
    attributes.extend(mtu.map(LinkAttribute::Mtu));
    let message = RouteNetlinkMessage::NewLink(message(attributes));
    Request::new(format!("create bridge {name}"), &message, NLM_F_CREATE | NLM_F_EXCL)
}

/// Sets MAC address and MTU of an interface.
pub(crate) fn set(name: &str, mac: [u8; 6], mtu: Option<u32>) -> Request {
    let mut attributes = vec![LinkAttribute::IfName(name.to_owned()), LinkAttribute::Address(mac.to_vec())];
    attributes.extend(mtu.map(LinkAttribute::Mtu));
    let message = RouteNetlinkMessage::NewLink(message(attributes));
    Request::new(format!("set MAC address and MTU of {name}"), &message, 0)
}

/// Brings an interface up.
pub(crate) fn up(name: &str) -> Request {
    let mut message = message(vec![LinkAttribute::IfName(name.to_owned())]);
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    Request::new(format!("bring {name} up"), &RouteNetlinkMessage::NewLink(message), 0)
}

/// Keeps the kernel from giving the interface an IPv6 link-local address, and with it from duplicate address detection and
/// multicast reports, which every other port of the bridge would receive. Where the kernel has no IPv6 nothing is to be done.
pub(crate) fn without_link_local(name: &str) -> Request {
    let inet6 = AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]);
    let message =
        message(vec![LinkAttribute::IfName(name.to_owned()), LinkAttribute::AfSpecUnspec(vec![inet6])]);
    Request::new(
        format!("switch link-local addresses of {name} off"),
        &RouteNetlinkMessage::NewLink(message),
        0,
    )
    .if_supported()
}

/// A veth pair to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Veth<'a> {
    pub(crate) host: &'a str,
    pub(crate) host_mac: [u8; 6],
    /// Index of the bridge the host's end becomes a port of.
    pub(crate) bridge: u32,
    /// Group of the host's end: whose it is.
    pub(crate) group: u32,
    pub(crate) peer: &'a str,
    pub(crate) peer_mac: [u8; 6],
    /// Where the peer is made.
    pub(crate) netns: BorrowedFd<'a>,
    pub(crate) mtu: Option<u32>,
}

/// Makes the pair in one message: the peer in its namespace from the beginning (nothing to move or rename), the host's end a
/// port of the bridge, both down.
pub(crate) fn create_veth(veth: &Veth<'_>) -> Request {
    let netns = LinkAttribute::NetNsFd(veth.netns.as_raw_fd());
    let peer = message(veth_end(veth.peer, veth.peer_mac, veth.mtu, netns));
    let mut host =
        message(veth_end(veth.host, veth.host_mac, veth.mtu, LinkAttribute::Controller(veth.bridge)));
    host.attributes.push(LinkAttribute::Group(veth.group));
    let data = InfoData::Veth(InfoVeth::Peer(peer));
    host.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(data)]));
    let what = format!("create veth {} with peer {} in the pod", veth.host, veth.peer);
    Request::new(what, &RouteNetlinkMessage::NewLink(host), NLM_F_CREATE | NLM_F_EXCL)
}

fn veth_end(name: &str, mac: [u8; 6], mtu: Option<u32>, place: LinkAttribute) -> Vec<LinkAttribute> {
    let mut attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        // Given, not random: else systemd-udevd sets its own and every pod's start gets an event more.
        LinkAttribute::Address(mac.to_vec()),
        // The kernel's own choice is one queue for each possible CPU, and each becomes an object in sysfs: with two CPUs a
        // quarter of the time this request takes, with 64 most of it. A veth sends without locks and receives on the CPU it
        // was sent from, whatever the number of its queues.
        LinkAttribute::NumTxQueues(1),
        LinkAttribute::NumRxQueues(1),
        place,
    ];
    attributes.extend(mtu.map(LinkAttribute::Mtu));
    attributes
}

/// Makes an interface a port of the bridge with that index.
pub(crate) fn make_port(name: &str, bridge: u32) -> Request {
    let message = message(vec![LinkAttribute::IfName(name.to_owned()), LinkAttribute::Controller(bridge)]);
    Request::new(format!("make {name} a port of the bridge"), &RouteNetlinkMessage::NewLink(message), 0)
}

/// Lets a bridge port send frames back where they came from.
pub(crate) fn hairpin(name: &str) -> Request {
    port(format!("set hairpin mode of {name}"), name, vec![InfoBridgePort::HairpinMode(true)])
}

/// Cuts a bridge port off: it takes in only frames of addresses the bridge knows to be behind it, which after the flush and
/// without learning are none, and what has no known address does not go out there.
///
/// Flags, not the state "disabled": the bridge enables a disabled port again at the next event of the interface, such as a
/// change of carrier that a pod can cause.
pub(crate) fn seal_port(name: &str) -> Request {
    let settings = vec![
        InfoBridgePort::Learning(false),
        InfoBridgePort::Locked(true),
        InfoBridgePort::UnicastFlood(false),
        InfoBridgePort::MulticastFlood(false),
        InfoBridgePort::BroadcastFlood(false),
        InfoBridgePort::Flush,
    ];
    port(format!("seal bridge port {name}"), name, settings)
}

fn port(what: String, name: &str, settings: Vec<InfoBridgePort>) -> Request {
    let info = vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(settings)),
    ];
    let message = message(vec![LinkAttribute::IfName(name.to_owned()), LinkAttribute::LinkInfo(info)]);
    Request::new(what, &RouteNetlinkMessage::NewLink(message), 0)
}

/// Deletes an interface, a veth with its peer. Slow (20 to 30 ms): the kernel waits until no packet is on its way in it.
pub(crate) fn delete(name: &str) -> Request {
    let message = message(vec![LinkAttribute::IfName(name.to_owned())]);
    Request::new(format!("delete interface {name}"), &RouteNetlinkMessage::DelLink(message), 0)
}

fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes = attributes;
    message
}

#[cfg(test)]
mod tests;
