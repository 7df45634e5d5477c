//! The node's nftables rules as data; `Display` prints them as `nft list table` does.

use std::{fmt, net::Ipv4Addr};

use ipnet::Ipv4Net;

use crate::ids::IfName;

/// Map from (protocol, port) to (address, port) of a pod.
pub(super) const PORTS: &str = "hostports";
/// Map from (address of the node, protocol, port) to (address, port) of a pod.
pub(super) const PORTS_BY_ADDRESS: &str = "hostports_by_address";
/// Chain both nat hooks jump to.
const DNAT: &str = "dnat_hostports";

const LOOPBACK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);

/// Where in the kernel's path a chain is called: `enum nf_inet_hooks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Prerouting = 0,
    Forward = 2,
    Output = 3,
    Postrouting = 4,
}

/// Type, place and priority of a chain the kernel calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) kind: &'static str,
    pub(super) place: Place,
    /// Lower comes first; conntrack is at -200.
    pub(super) priority: i32,
}

/// What a packet must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Match {
    InterfaceIn(IfName),
    InterfaceOut(IfName),
    InterfaceOutOther(IfName),
    Ipv4,
    Source(Ipv4Net),
    Destination(Ipv4Net),
    DestinationOther(Ipv4Net),
    /// The destination is an address of this node.
    DestinationLocal,
    /// A rule of ours or of another changed the destination.
    DestinationChanged,
}

/// What happens to a packet that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Accept,
    Drop,
    Jump(&'static str),
    /// The source becomes the address of the interface the packet leaves by.
    Masquerade,
    /// The same with a port chosen at random: two connections that begin at once do not fight for one port.
    MasqueradeRandom,
    DnatByPort,
    DnatByAddress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) matches: Vec<Match>,
    pub(super) action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) name: &'static str,
    pub(super) hook: Option<Hook>,
    pub(super) rules: Vec<Rule>,
}

/// Table, maps and chains of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ruleset {
    pub(super) table: String,
    /// Where the pods' addresses are from.
    pub(super) pods: Ipv4Net,
    pub(super) chains: Vec<Chain>,
}

impl Ruleset {
    /// The rules for pods of `subnet` behind `bridge`.
    pub(crate) fn new(table: &str, bridge: &IfName, subnet: Ipv4Net) -> Self {
        let chains =
            vec![guard(bridge), dnat(), prerouting(), output(), forward(bridge), postrouting(bridge, subnet)];
        Self { table: table.to_owned(), pods: subnet, chains }
    }
}

fn base(name: &'static str, kind: &'static str, place: Place, priority: i32, rules: Vec<Rule>) -> Chain {
    Chain { name, hook: Some(Hook { kind, place, priority }), rules }
}

fn rule(matches: impl Into<Vec<Match>>, action: Action) -> Rule {
    Rule { matches: matches.into(), action }
}

/// hostPorts on 127.0.0.1 need `route_localnet` on the bridge, and that alone would let every pod talk to what listens on the
/// node's loopback (CVE-2020-8558). Before conntrack (-300), for a reply to such a connection still has the bridge's address
/// as its destination here.
fn guard(bridge: &IfName) -> Chain {
    let from = || Match::InterfaceIn(bridge.clone());
    let rules = vec![
        rule([from(), Match::Destination(LOOPBACK)], Action::Drop),
        rule([from(), Match::Source(LOOPBACK)], Action::Drop),
    ];
    base("guard", "filter", Place::Prerouting, -300, rules)
}

/// The more special map first.
fn dnat() -> Chain {
    let rules = vec![rule([], Action::DnatByAddress), rule([Match::Ipv4], Action::DnatByPort)];
    Chain { name: DNAT, hook: None, rules }
}

/// Only what is meant for this node: traffic that passes through to the same port elsewhere is none of ours (CVE-2025-67499).
fn prerouting() -> Chain {
    let rules = vec![rule([Match::DestinationLocal], Action::Jump(DNAT))];
    base("prerouting", "nat", Place::Prerouting, -100, rules)
}

fn output() -> Chain {
    let rules = vec![rule([Match::DestinationLocal], Action::Jump(DNAT))];
    base("output", "nat", Place::Output, -100, rules)
}

/// Says that pods' traffic is meant to pass. It cannot overrule a drop in another table: `accept` ends only this chain.
fn forward(bridge: &IfName) -> Chain {
    let rules = vec![
        rule([Match::InterfaceIn(bridge.clone())], Action::Accept),
        rule([Match::InterfaceOut(bridge.clone())], Action::Accept),
    ];
    base("forward", "filter", Place::Forward, 0, rules)
}

fn postrouting(bridge: &IfName, subnet: Ipv4Net) -> Chain {
    let to_pods = || Match::InterfaceOut(bridge.clone());
    let rules = vec![
        // A pod that calls a hostPort of its own or of a neighbour: without this the answer would go straight over the bridge,
        // and come from an address the caller never spoke to.
        rule([to_pods(), Match::Source(subnet), Match::DestinationChanged], Action::Masquerade),
        // The node itself calling a hostPort on 127.0.0.1: a pod could not answer there.
        rule([to_pods(), Match::Source(LOOPBACK)], Action::Masquerade),
        // Pods calling the world.
        rule(
            [
                Match::InterfaceOutOther(bridge.clone()),
                Match::Source(subnet),
                Match::DestinationOther(subnet),
            ],
            Action::MasqueradeRandom,
        ),
    ];
    base("postrouting", "nat", Place::Postrouting, 100, rules)
}

// === Display: the words of nft(8) ===

impl fmt::Display for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table inet {} {{", self.table)?;
        let to = "ipv4_addr . inet_service";
        writeln!(f, "\tmap {PORTS} {{\n\t\ttype inet_proto . inet_service : {to}\n\t}}\n")?;
        writeln!(
            f,
            "\tmap {PORTS_BY_ADDRESS} {{\n\t\ttype ipv4_addr . inet_proto . inet_service : {to}\n\t}}"
        )?;
        for chain in &self.chains {
            write!(f, "\n{chain}")?;
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\tchain {} {{", self.name)?;
        if let Some(Hook { kind, place, priority }) = self.hook {
            let place = match place {
                Place::Prerouting => "prerouting",
                Place::Forward => "forward",
                Place::Output => "output",
                Place::Postrouting => "postrouting",
            };
            let priority = match (priority, place) {
                (-300, _) => "raw".to_owned(),
                (-100, "prerouting") => "dstnat".to_owned(),
                (0, _) => "filter".to_owned(),
                (100, "postrouting") => "srcnat".to_owned(),
                (other, _) => other.to_string(),
            };
            writeln!(f, "\t\ttype {kind} hook {place} priority {priority}; policy accept;")?;
        }
        for rule in &self.rules {
            writeln!(f, "\t\t{rule}")?;
        }
        writeln!(f, "\t}}")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for one in &self.matches {
            match one {
                Match::InterfaceIn(name) => write!(f, "iifname \"{name}\" "),
                Match::InterfaceOut(name) => write!(f, "oifname \"{name}\" "),
                Match::InterfaceOutOther(name) => write!(f, "oifname != \"{name}\" "),
                Match::Ipv4 => f.write_str("meta nfproto ipv4 "),
                Match::Source(net) => write!(f, "ip saddr {net} "),
                Match::Destination(net) => write!(f, "ip daddr {net} "),
                Match::DestinationOther(net) => write!(f, "ip daddr != {net} "),
                Match::DestinationLocal => f.write_str("fib daddr type local "),
                Match::DestinationChanged => f.write_str("ct status dnat "),
            }?;
        }
        match self.action {
            Action::Accept => f.write_str("accept"),
            Action::Drop => f.write_str("drop"),
            Action::Jump(chain) => write!(f, "jump {chain}"),
            Action::Masquerade => f.write_str("masquerade"),
            Action::MasqueradeRandom => f.write_str("masquerade fully-random"),
            Action::DnatByPort => write!(f, "dnat ip to meta l4proto . th dport map @{PORTS}"),
            Action::DnatByAddress => {
                write!(f, "dnat ip to ip daddr . meta l4proto . th dport map @{PORTS_BY_ADDRESS}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
