//! Attach: veth pair, addresses and route, hostPorts; whatever fails, nothing stays.

use std::{
    net::{IpAddr, Ipv4Addr},
    os::fd::{AsFd, BorrowedFd},
};

use ipnet::{IpNet, Ipv4Net};
use sys::Errno;

use super::{Attached, Builtin, Links, Node, Sandbox};
use crate::{
    address::mac_of,
    error::{Error, Result},
    ids::{AttachmentId, host_interface},
    netlink::{
        Connection, addr,
        link::{self, Link, Veth},
        route,
    },
    port::PortMapping,
};

/// Name of the interface inside the pod.
const INTERFACE: &str = "eth0";

impl Builtin {
    /// Gives the sandbox `eth0` with `address`, a default route, `lo`, and leads `ports` of the node to it.
    ///
    /// What an earlier attempt for the same `id` left is replaced, so it may be called again after a crash. If it fails,
    /// nothing of it stays.
    ///
    /// # Errors
    /// [`Error::PortTaken`] names the pod that has a hostPort already; it is found before anything is made.
    pub fn attach(
        &self,
        id: &AttachmentId,
        address: Ipv4Addr,
        sandbox: Sandbox<'_>,
        ports: &[PortMapping],
    ) -> Result<Attached> {
        if !self.node.subnet.holds_pod(address) {
            let rule = format!("an address for pods of {}", self.node.subnet.net());
            return Err(Error::invalid("pod address", &address.to_string(), &rule));
        }
        if !ports.is_empty() {
            self.firewall().check(id, address, ports)?;
        }
        let name = host_interface(id);
        let made = self.links().make_pair(&self.node, id, &name, address, sandbox.netns);
        let done = made.and_then(|()| configure(&self.node, address, sandbox.route)).and_then(|()| {
            // A pod without hostPorts may still have some of an earlier attempt.
            self.firewall().publish(id, address, ports)
        });
        match done {
            Ok(()) => Ok(attached(&self.node, name, address)),
            Err(error) => {
                // The error that counts is the first. What this cannot take away, `detach` or `prune` will meet again.
                self.firewall().withdraw(id).ok();
                self.links().delete(&[name]).ok();
                Err(error)
            }
        }
    }
}

fn attached(node: &Node, host_interface: String, address: Ipv4Addr) -> Attached {
    let net = Ipv4Net::new_assert(address, node.subnet.net().prefix_len());
    Attached {
        host_interface,
        interface: INTERFACE.to_owned(),
        mac: mac_of(address),
        addresses: vec![IpNet::V4(net)],
        gateways: vec![IpAddr::V4(node.subnet.gateway())],
    }
}

impl Links {
    /// Makes the veth pair; repairs what stands in the way once.
    fn make_pair(
        &mut self,
        node: &Node,
        id: &AttachmentId,
        name: &str,
        address: Ipv4Addr,
        netns: BorrowedFd<'_>,
    ) -> Result<()> {
        let Err(error) = self.try_pair(node, id, name, address, netns) else { return Ok(()) };
        if error.errno() == Some(Errno::EEXIST) {
            self.delete(&[name.to_owned()])?;
        } else {
            let before = self.bridge;
            self.repair(node)?;
            if self.bridge == before {
                return Err(error);
            }
        }
        self.try_pair(node, id, name, address, netns)
    }

    fn try_pair(
        &mut self,
        node: &Node,
        id: &AttachmentId,
        name: &str,
        address: Ipv4Addr,
        netns: BorrowedFd<'_>,
    ) -> Result<()> {
        let veth = Veth {
            host: name,
            host_mac: host_mac(id),
            bridge: self.bridge,
            group: self.group,
            peer: INTERFACE,
            peer_mac: mac_of(address),
            netns,
            mtu: node.mtu,
        };
        // Up last: coming up is when an interface would get the link-local address.
        let mut requests = vec![link::create_veth(&veth), link::without_link_local(name)];
        requests.extend(node.hairpin.then(|| link::hairpin(name)));
        requests.push(link::up(name));
        self.connection.all(&requests)
    }
}

/// MAC address of the host's end: locally administered, from the id. Nobody ever sees it on the wire.
fn host_mac(id: &AttachmentId) -> [u8; 6] {
    let digits = u32::from_str_radix(&id.as_str()[..8], 16).unwrap_or_default();
    let [a, b, c, d] = digits.to_be_bytes();
    [0x0a, 0xbf, a, b, c, d]
}

/// The pod's side, through a socket that lives there: everything in one send, after one question.
fn configure(node: &Node, address: Ipv4Addr, route: BorrowedFd<'_>) -> Result<()> {
    let mut pod = Connection::over(route.as_fd())?;
    let link = pod.get(&link::get(INTERFACE), Link::read)?;
    let Some(Link { index, .. }) = link else {
        return Err(Error::invalid(
            "sandbox",
            INTERFACE,
            "in the namespace of the route socket given with it",
        ));
    };
    pod.all(&[
        link::without_link_local(INTERFACE),
        link::up("lo"),
        link::up(INTERFACE),
        addr::add(index, INTERFACE, address, node.subnet.net()),
        route::default_via(index, node.subnet.gateway()),
    ])
}
