//! The built-in network: one bridge a node, one veth pair a pod, one nftables table.

mod attach;
mod bridge;
mod detach;
pub(crate) mod ipam;
mod sysctl;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ipnet::{IpNet, Ipv4Net};
use sys::netlink::Family;

use crate::{
    address::Subnet,
    error::Result,
    firewall::{self, Firewall, Ruleset},
    ids::{AttachmentId, IfName, host_interface, is_host_interface},
    netlink::{
        Connection, is_absent,
        link::{self, Link},
    },
    port::PortMapping,
};

/// What the built-in network of a node looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeConfig {
    /// Name of the bridge.
    pub bridge: IfName,
    /// Addresses of the pods; the bridge takes the first.
    pub subnet: Ipv4Net,
    /// MTU of bridge and pods in bytes; `None` leaves the kernel's (1500).
    pub mtu: Option<u32>,
    /// Name of the `inet` table that is ours, and ours alone.
    pub nft_table: String,
    /// Whether a bridge port sends frames back where they came from: needed to reach oneself by hostPort where br_netfilter
    /// hands bridged packets to nftables (`bridge-nf-call-iptables=1`, usual on Kubernetes nodes).
    pub hairpin: bool,
}

/// The network namespace an attachment goes to.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox<'a> {
    /// The namespace itself.
    pub netns: BorrowedFd<'a>,
    /// A `NETLINK_ROUTE` socket made inside it; so nobody here must enter it.
    pub route: BorrowedFd<'a>,
}

/// What [`Builtin::attach`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Name of the host's end.
    pub host_interface: String,
    /// Name inside the pod: `eth0`.
    pub interface: String,
    /// MAC address inside the pod.
    pub mac: [u8; 6],
    /// Addresses of the pod, the primary one first.
    pub addresses: Vec<IpNet>,
    /// Gateways, one for each family of `addresses`.
    pub gateways: Vec<IpAddr>,
}

/// What [`Builtin::prune`] took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Host interfaces.
    pub interfaces: Vec<String>,
    /// HostPorts, each with the attachment it belonged to; `None` for an element someone made by hand.
    pub ports: Vec<(Option<AttachmentId>, PortMapping)>,
}

/// The bridge network of this node.
///
/// ```text
///   pod: eth0 ── veth ── bv0123456789ab ┐
///   pod: eth0 ── veth ── bv…            ┴ bridge (first address of the subnet: the pods' gateway)
///                                          │ forwarding, and table inet <nft_table>: masquerade, hostPorts
///                                         the node's other interfaces
/// ```
///
/// Nothing of it is written down: the names of interfaces and the comments of map elements say whose they are, and the
/// kernel takes interfaces away when the pod's network namespace goes. May be shared between threads.
#[derive(Debug)]
pub struct Builtin {
    node: Node,
    links: Mutex<Links>,
    firewall: Mutex<Firewall>,
}

/// What does not change while the daemon runs.
#[derive(Debug)]
struct Node {
    bridge: IfName,
    subnet: Subnet,
    mtu: Option<u32>,
    hairpin: bool,
}

/// The way to the interfaces of the node.
#[derive(Debug)]
struct Links {
    connection: Connection<OwnedFd>,
    /// Index of the bridge; changes when somebody deletes it and [`Builtin::repair`] makes it anew.
    bridge: u32,
    /// Interface group of our host interfaces. The name alone does not say whose one is: another daemon on this machine,
    /// with another bridge, names its own the same way.
    group: u32,
}

impl Builtin {
    /// Makes (or finds) bridge, gateway address, sysctls and nftables table in the caller's network namespace. Idempotent.
    pub fn open(cfg: &BridgeConfig) -> Result<Self> {
        firewall::check_table(&cfg.nft_table)?;
        let subnet = Subnet::new(cfg.subnet)?;
        let node = Node { bridge: cfg.bridge.clone(), subnet, mtu: cfg.mtu, hairpin: cfg.hairpin };
        let mut connection = Connection::open(Family::Route)?;
        let bridge = bridge::ensure(&mut connection, &node)?;
        // The rules come before forwarding is switched on.
        let firewall = Firewall::open(Ruleset::new(&cfg.nft_table, &cfg.bridge, cfg.subnet))?;
        sysctl::apply(&cfg.bridge)?;
        let links = Links { connection, bridge, group: group_of(cfg.bridge.as_str()) };
        Ok(Self { node, links: Mutex::new(links), firewall: Mutex::new(firewall) })
    }

    /// Makes bridge, sysctls and table anew if something (`nft flush ruleset`, NetworkManager) took them away, with the
    /// hostPorts and the ports of the bridge as they were. Changes nothing that is right.
    pub fn repair(&self) -> Result<()> {
        self.links().repair(&self.node)?;
        self.firewall().repair()?;
        sysctl::apply(&self.node.bridge)
    }

    /// Takes away interfaces and hostPorts of every attachment that is not among `known`.
    pub fn prune(&self, known: &BTreeSet<AttachmentId>) -> Result<Pruned> {
        let names: BTreeSet<String> = known.iter().map(host_interface).collect();
        let mut interfaces = self.list_host_interfaces()?;
        interfaces.retain(|name| !names.contains(name));
        self.links().delete(&interfaces)?;
        let ports = self.firewall().prune(known)?;
        let ports = ports.into_iter().map(|(key, claim)| (claim.owner, key.mapping(claim.to))).collect();
        Ok(Pruned { interfaces, ports })
    }

    /// Names of the host interfaces that are ours, sorted: of our bridge, also if they have lost it. Another daemon's, on
    /// a bridge of its own, are none of our business.
    pub fn list_host_interfaces(&self) -> Result<Vec<String>> {
        let mut names = self.links().list()?;
        names.sort_unstable();
        Ok(names)
    }

    /// Removes bridge, host interfaces and table: the node is as before [`Builtin::open`], but for the sysctls.
    pub fn remove_node_state(&self) -> Result<()> {
        self.firewall().delete()?;
        let mut names = self.list_host_interfaces()?;
        names.push(self.node.bridge.as_str().to_owned());
        self.links().delete(&names)
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        // What a panic could leave half done is in the kernel, where every step copes with it.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn firewall(&self) -> MutexGuard<'_, Firewall> {
        self.firewall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Links {
    fn list(&mut self) -> Result<Vec<String>> {
        let group = self.group;
        let ours = |link: Link| is_ours(&link, group).then_some(link.name);
        self.connection.dump(&link::list_veths(), |payload| Link::read(payload).map(ours))
    }

    /// Deletes interfaces; right if one is gone already.
    fn delete(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            match self.connection.all(&[link::delete(name)]) {
                Err(error) if error.errno().is_some_and(is_absent) => {}
                done => done?,
            }
        }
        Ok(())
    }

    /// Makes the bridge anew if it is gone, and its ports ports again.
    fn repair(&mut self, node: &Node) -> Result<()> {
        self.bridge = bridge::ensure(&mut self.connection, node)?;
        let group = self.group;
        let orphan = |link: Link| (link.master == 0 && is_ours(&link, group)).then_some(link.name);
        let orphans = self.connection.dump(&link::list_veths(), |payload| Link::read(payload).map(orphan))?;
        for name in orphans {
            let mut requests = vec![link::make_port(&name, self.bridge)];
            requests.extend(node.hairpin.then(|| link::hairpin(&name)));
            match self.connection.all(&requests) {
                Err(error) if error.errno().is_some_and(is_absent) => {}
                done => done?,
            }
        }
        Ok(())
    }
}

fn is_ours(link: &Link, group: u32) -> bool {
    link.group == group && is_host_interface(&link.name)
}

/// The interface group of a bridge's ports: its name hashed (FNV-1a), never 0, the group of whatever has none.
fn group_of(bridge: &str) -> u32 {
    let hash = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    bridge.bytes().fold(0x811c_9dc5, hash) | 1
}
