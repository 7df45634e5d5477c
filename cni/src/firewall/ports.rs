//! Which hostPort belongs to whom: a copy of the kernel's maps, to find conflicts and name their owners.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use crate::{
    error::{Error, Result},
    ids::AttachmentId,
    port::{PortMapping, Protocol},
};

/// A port of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    /// Address of the node; `None` for all.
    pub(crate) host: Option<Ipv4Addr>,
}

/// A port of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
}

/// Whose a port of the node is and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// `None`: somebody put an element into our map by hand.
    pub(crate) owner: Option<AttachmentId>,
    pub(crate) to: Target,
}

/// All hostPorts of the node.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports(BTreeMap<Key, Claim>);

/// What has to change in the kernel so that an attachment has its ports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Of the same attachment, but not wanted any more or leading elsewhere: left by an attempt that did not finish.
    pub(crate) remove: Vec<Key>,
    pub(crate) add: Vec<(Key, Claim)>,
}

impl Plan {
    /// Changes one transaction can hold: about 110 bytes each, and a socket takes 200 KiB at once.
    const PIECE: usize = 1024;

    /// Every port it touches.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        self.remove.iter().copied().chain(self.add.iter().map(|(key, _)| *key))
    }

    /// The same in pieces, removals first: one of the common size is whole, so that all of it happens or nothing.
    pub(crate) fn pieces(self) -> Vec<Self> {
        if self.remove.len() + self.add.len() <= Self::PIECE {
            return vec![self];
        }
        let remove =
            self.remove.chunks(Self::PIECE).map(|some| Self { remove: some.to_vec(), add: Vec::new() });
        let add = self.add.chunks(Self::PIECE).map(|some| Self { remove: Vec::new(), add: some.to_vec() });
        remove.chain(add).collect()
    }
}

impl Ports {
    pub(crate) fn from_elements(elements: impl IntoIterator<Item = (Key, Claim)>) -> Self {
        Self(elements.into_iter().collect())
    }

    /// How to give `id` at `address` the ports of `mappings` and no others.
    pub(crate) fn plan(
        &self,
        id: &AttachmentId,
        address: Ipv4Addr,
        mappings: &[PortMapping],
    ) -> Result<Plan> {
        let mut wanted = BTreeMap::new();
        for mapping in mappings.iter().filter(|mapping| mapping.host_port != 0) {
            let (key, to) = self.check(id, address, mapping)?;
            if wanted.insert(key, to).is_some_and(|before| before != to) {
                let rule = "given once, or every time for the same port of the pod";
                return Err(Error::invalid("hostPort", &mapping.to_string(), rule));
            }
        }
        let mut plan = Plan::default();
        for key in self.of(id) {
            if self.0.get(&key).map(|claim| claim.to) == wanted.get(&key).copied() {
                wanted.remove(&key);
            } else {
                plan.remove.push(key);
            }
        }
        let claim = |to| Claim { owner: Some(id.clone()), to };
        plan.add = wanted.into_iter().map(|(key, to)| (key, claim(to))).collect();
        Ok(plan)
    }

    fn check(&self, id: &AttachmentId, address: Ipv4Addr, mapping: &PortMapping) -> Result<(Key, Target)> {
        if mapping.container_port == 0 {
            return Err(Error::invalid("container port", "0", "a port number of 1 to 65535"));
        }
        let key = Key { protocol: mapping.protocol, port: mapping.host_port, host: mapping.ipv4_host()? };
        if let Some((_, taken)) = self.conflicts(key).find(|(_, claim)| claim.owner.as_ref() != Some(id)) {
            let owner = match &taken.owner {
                Some(owner) => format!("pod {owner}"),
                None => {
                    format!("an element made by hand that leads to {}:{}", taken.to.address, taken.to.port)
                }
            };
            return Err(Error::PortTaken { port: mapping.to_string(), owner });
        }
        Ok((key, Target { address, port: mapping.container_port }))
    }

    /// Claims that overlap with `key`: as in bind(2), "all addresses" overlaps with each of them.
    fn conflicts(&self, key: Key) -> impl Iterator<Item = (&Key, &Claim)> {
        let first = Key { host: None, ..key };
        let last = Key { host: Some(Ipv4Addr::BROADCAST), ..key };
        let overlaps =
            move |other: &Key| key.host.is_none() || other.host.is_none() || key.host == other.host;
        self.0.range(first..=last).filter(move |(other, _)| overlaps(other))
    }

    /// The keys of `id`.
    pub(crate) fn of(&self, id: &AttachmentId) -> Vec<Key> {
        self.0.iter().filter(|(_, claim)| claim.owner.as_ref() == Some(id)).map(|(key, _)| *key).collect()
    }

    /// Where a port leads.
    pub(crate) fn target(&self, key: &Key) -> Option<Target> {
        self.0.get(key).map(|claim| claim.to)
    }

    /// Everything that belongs to nobody in `known`.
    pub(crate) fn strangers(&self, known: &BTreeSet<AttachmentId>) -> Vec<(Key, Claim)> {
        let is_known = |claim: &Claim| claim.owner.as_ref().is_some_and(|owner| known.contains(owner));
        self.0
            .iter()
            .filter(|(_, claim)| !is_known(claim))
            .map(|(key, claim)| (*key, claim.clone()))
            .collect()
    }

    pub(crate) fn all(&self) -> Vec<(Key, Claim)> {
        self.0.iter().map(|(key, claim)| (*key, claim.clone())).collect()
    }

    /// Notes what the kernel has done.
    pub(crate) fn apply(&mut self, plan: Plan) {
        for key in plan.remove {
            self.0.remove(&key);
        }
        self.0.extend(plan.add);
    }
}

impl Key {
    /// As the mapping it came from.
    pub(crate) fn mapping(self, to: Target) -> PortMapping {
        PortMapping {
            host_ip: self.host.map(IpAddr::V4),
            host_port: self.port,
            container_port: to.port,
            protocol: self.protocol,
        }
    }
}

#[cfg(test)]
mod tests;
