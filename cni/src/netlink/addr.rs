//! Addresses of an interface: RTM_NEWADDR.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage, AddressScope},
};

use super::Request;

/// Gives `address` with the prefix of `net` to the interface `index`; also right if it has it already.
pub(crate) fn add(index: u32, interface: &str, address: Ipv4Addr, net: Ipv4Net) -> Request {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = net.prefix_len();
    message.header.scope = AddressScope::Universe;
    message.header.index = index;
    message.attributes = vec![
        AddressAttribute::Local(IpAddr::V4(address)),
        AddressAttribute::Address(IpAddr::V4(address)),
        AddressAttribute::Broadcast(net.broadcast()),
    ];
    let what = format!("give {interface} the address {address}/{}", net.prefix_len());
    Request::new(what, &RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_REPLACE)
}
