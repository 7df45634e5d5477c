//! The bridge of the node and its address, the pods' gateway.

use std::os::fd::AsFd;

use super::Node;
use crate::{
    address::mac_of,
    error::{Error, Result},
    netlink::{
        Connection, addr,
        link::{self, Link},
    },
};

/// Makes the bridge what `node` says, or finds that it is; returns its index.
pub(super) fn ensure<S: AsFd>(connection: &mut Connection<S>, node: &Node) -> Result<u32> {
    let name = node.bridge.as_str();
    let gateway = node.subnet.gateway();
    match connection.all(&[link::create_bridge(name, mac_of(gateway), node.mtu)]) {
        Err(error) if error.errno() != Some(sys::Errno::EEXIST) => return Err(error),
        _ => {}
    }
    let found = connection.get(&link::get(name), Link::read)?;
    let Some(link) = found.filter(|link| link.kind == "bridge") else {
        return Err(Error::invalid("bridge", name, "a name no interface of another kind has"));
    };
    connection.all(&[
        link::set(name, mac_of(gateway), node.mtu),
        addr::add(link.index, name, gateway, node.subnet.net()),
        link::without_link_local(name),
        link::up(name),
    ])?;
    Ok(link.index)
}
