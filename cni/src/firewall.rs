//! The node's nftables table: made, filled with hostPorts, read back and removed over nfnetlink, without the `nft` program.

mod conntrack;
mod element;
mod expression;
mod message;
mod ports;
mod ruleset;

use std::{collections::BTreeSet, net::Ipv4Addr, os::fd::OwnedFd};

use sys::{Errno, netlink::Family};

pub(crate) use self::ruleset::Ruleset;
use self::{
    ports::{Claim, Key, Plan, Ports},
    ruleset::{PORTS, PORTS_BY_ADDRESS},
};
use crate::{
    error::{Error, Result},
    ids::AttachmentId,
    netlink::{Connection, Request},
    port::PortMapping,
};

/// The table and who has which hostPort.
#[derive(Debug)]
pub(crate) struct Firewall {
    connection: Connection<OwnedFd>,
    ruleset: Ruleset,
    ports: Ports,
}

impl Firewall {
    /// Makes the table what `ruleset` says in one transaction (no packet meets a half of it) and reads which hostPorts are
    /// there. Idempotent.
    pub(crate) fn open(ruleset: Ruleset) -> Result<Self> {
        let connection = Connection::open(Family::Netfilter)?;
        let mut firewall = Self { connection, ruleset, ports: Ports::default() };
        firewall.install()?;
        firewall.reload()?;
        Ok(firewall)
    }

    /// Puts everything back, hostPorts as well, if the table is gone or lost its rules (`nft flush ruleset`).
    pub(crate) fn repair(&mut self) -> Result<()> {
        let ours = self.ports.all();
        self.install()?;
        self.reload()?;
        let there: BTreeSet<Key> = self.ports.all().into_iter().map(|(key, _)| key).collect();
        let missing = ours.into_iter().filter(|(key, _)| !there.contains(key)).collect();
        self.change(Plan { remove: Vec::new(), add: missing })
    }

    /// Leads the ports of `mappings` (and no others) to `id` at `address`.
    ///
    /// If the table is gone (`nft flush ruleset`) it is made anew first, for a pod without hostPorts needs it too.
    pub(crate) fn publish(
        &mut self,
        id: &AttachmentId,
        address: Ipv4Addr,
        mappings: &[PortMapping],
    ) -> Result<()> {
        if self.connection.get(&message::get_table(&self.ruleset.table), |_| Ok(()))?.is_none() {
            self.repair()?;
        }
        let plan = self.ports.plan(id, address, mappings)?;
        match self.change(plan) {
            // Someone else changed our table: look again, so that the answer names the owner.
            Err(error) if matches!(error.errno(), Some(Errno::EEXIST | Errno::ENOENT)) => {
                self.repair()?;
                let plan = self.ports.plan(id, address, mappings)?;
                self.change(plan)
            }
            done => done,
        }
    }

    /// Fails as [`Self::publish`] would if a port is taken or makes no sense.
    pub(crate) fn check(&self, id: &AttachmentId, address: Ipv4Addr, mappings: &[PortMapping]) -> Result<()> {
        self.ports.plan(id, address, mappings).map(drop)
    }

    /// Takes all hostPorts of `id` away; right if there are none.
    pub(crate) fn withdraw(&mut self, id: &AttachmentId) -> Result<()> {
        let remove = self.ports.of(id);
        self.remove(remove, |ports| ports.of(id))
    }

    /// Takes away all hostPorts that belong to nobody in `known`; returns them.
    pub(crate) fn prune(&mut self, known: &BTreeSet<AttachmentId>) -> Result<Vec<(Key, Claim)>> {
        self.repair()?;
        let strangers = self.ports.strangers(known);
        let keys = |ports: &Ports| ports.strangers(known).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
        self.remove(keys(&self.ports), keys)?;
        Ok(strangers)
    }

    /// Deletes the table; right if there is none.
    pub(crate) fn delete(&mut self) -> Result<()> {
        self.ports = Ports::default();
        match self.transaction(&[message::delete_table(&self.ruleset.table)]) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }

    /// Removes `keys`; if the kernel lacks one of them, removes what `again` finds after a repair: a look alone would forget
    /// what others lost.
    fn remove(&mut self, keys: Vec<Key>, again: impl Fn(&Ports) -> Vec<Key>) -> Result<()> {
        match self.change(Plan { remove: keys, add: Vec::new() }) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => {
                self.repair()?;
                let remove = again(&self.ports);
                self.change(Plan { remove, add: Vec::new() })
            }
            done => done,
        }
    }

    /// Tells the kernel, a transaction for each piece, and remembers what it has done.
    fn change(&mut self, plan: Plan) -> Result<()> {
        for piece in plan.pieces() {
            let mut requests = message::delete_elements(&self.ruleset.table, &piece.remove);
            requests.extend(message::add_elements(&self.ruleset.table, &piece.add));
            self.transaction(&requests)?;
            let changed: BTreeSet<Key> = piece.keys().collect();
            self.ports.apply(piece);
            for key in changed {
                let target = self.ports.target(&key);
                conntrack::forget(&mut self.connection, &key, target, self.ruleset.pods)?;
            }
        }
        Ok(())
    }

    fn install(&mut self) -> Result<()> {
        match self.transaction(&message::install(&self.ruleset)) {
            // The table has something of these names that is of another kind, made by another version of us.
            Err(error) if matches!(error.errno(), Some(Errno::EEXIST | Errno::EBUSY)) => {
                let mut requests = vec![message::delete_table(&self.ruleset.table)];
                requests.extend(message::install(&self.ruleset));
                self.transaction(&requests)
            }
            done => done,
        }
    }

    /// Reads the hostPorts from the kernel.
    fn reload(&mut self) -> Result<()> {
        let mut elements = Vec::new();
        for map in [PORTS, PORTS_BY_ADDRESS] {
            let request = message::list_elements(&self.ruleset.table, map);
            match self.connection.dump(&request, |payload| element::decode(payload).map(Some)) {
                Ok(found) => elements.extend(found.into_iter().flatten()),
                Err(error) if error.errno() == Some(Errno::ENOENT) => {}
                Err(error) => return Err(error),
            }
        }
        self.ports = Ports::from_elements(elements);
        Ok(())
    }

    fn transaction(&mut self, requests: &[Request]) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        self.connection.transaction(&message::begin(), requests, &message::end())
    }
}

/// Checks the name of a table: nft(8) must be able to say it too.
pub(crate) fn check_table(name: &str) -> Result<()> {
    /// `NFT_TABLE_MAXNAMELEN` is 256; a name people type is shorter.
    const MAX: usize = 64;
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if first && rest && name.len() <= MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "nftables table",
        name,
        "a letter, then letters, digits, '_' or '-', at most 64 in all",
    ))
}
