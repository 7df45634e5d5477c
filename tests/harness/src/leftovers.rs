//! The oracle of every test: all that exists under a slot's names, and what of it was not there before.
//!
//! It looks with its own eyes (procfs, sysfs, netlink dumps), never through the code it judges. Each thing is one line of
//! text that a person recognises; two snapshots are compared as sets.

mod cgroups;
mod clear;
mod files;
mod links;
mod mounts;
mod nftables;
mod processes;

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

pub use self::cgroups::{directories as cgroup_directories, hierarchies as cgroup_hierarchies};
pub(crate) use self::clear::clear;
use crate::{Failure, Result, Slot};

/// The kernel destroys namespaces, and with them links, after the last process is gone; loaded machines take their time.
const SETTLE: Duration = Duration::from_secs(30);

/// The families in which the slot's nftables table exists.
pub(crate) fn nft_families(slot: &Slot) -> Result<Vec<u8>> {
    nftables::families(&slot.nft_table())
}

/// Everything that exists under a slot's names, one line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftovers {
    things: BTreeSet<String>,
}

impl Leftovers {
    /// Looks once. `daemon` is not counted as a process left behind, but the namespaces, pidfds and files it holds are.
    ///
    /// # Errors
    /// When procfs or netlink cannot be read.
    pub fn take(slot: &Slot, daemon: Option<u32>) -> Result<Self> {
        let mut things = BTreeSet::new();
        things.extend(processes::list(slot, daemon));
        things.extend(daemon.into_iter().flat_map(|daemon| processes::held(slot, daemon)));
        things.extend(mounts::list(slot.dir())?);
        things.extend(cgroups::list(&slot.cgroup_root())?);
        // Scopes and slices of systemd are such directories too, and gone with their units.
        things.extend(cgroups::list(&slot.slice())?);
        things.extend(links::list(&slot.bridge())?);
        things.extend(nftables::list(&slot.nft_table())?);
        things.extend(files::list(slot));
        if daemon.is_some() {
            // While a daemon serves, the cgroup all pods are below is the node's, not a pod's.
            let roots = [slot.cgroup_root(), format!("/{}", slot.slice())];
            let is_root = |thing: &str| roots.iter().any(|root| thing.ends_with(root));
            things.retain(|thing| !(thing.starts_with("cgroup ") && is_root(thing)));
        }
        Ok(Self { things })
    }

    /// Is there nothing at all?
    pub fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The lines, sorted.
    pub fn things(&self) -> impl Iterator<Item = &str> {
        self.things.iter().map(String::as_str)
    }

    /// The things a test allows to stay.
    #[must_use]
    pub fn only(&self, allowed: impl Fn(&str) -> bool) -> Self {
        Self { things: self.things.iter().filter(|thing| allowed(thing)).cloned().collect() }
    }

    /// What is here and was not in `before`.
    pub fn beyond(&self, before: &Self) -> Vec<String> {
        self.things.difference(&before.things).cloned().collect()
    }

    /// Waits until nothing is there that was not in `before`.
    ///
    /// # Errors
    /// With the list of what is still there when the kernel and the daemon had time enough.
    #[track_caller]
    pub fn settle(slot: &Slot, daemon: Option<u32>, before: &Self) -> impl Future<Output = Result> {
        let mut failure = Failure::new("");
        async move {
            let end = Instant::now() + SETTLE;
            loop {
                let left = Self::take(slot, daemon)?.beyond(before);
                if left.is_empty() {
                    return Ok(());
                }
                if Instant::now() > end {
                    failure.set(format!("left behind:\n  {}", left.join("\n  ")));
                    return Err(failure);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

impl fmt::Display for Leftovers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.things.iter().try_for_each(|thing| writeln!(out, "{thing}"))
    }
}

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;
