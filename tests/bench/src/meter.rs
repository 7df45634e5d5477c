//! How much CPU time an endpoint has used, daemon and pods together.
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cgroupfs::{self, Hierarchy};
use crate::endpoint::Endpoint;
use crate::family::Family;
use crate::ground::Ground;
use crate::procfs::{self, Process};

#[cfg(test)]
mod tests;

/// Counters; only differences of two readings mean something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// None if nothing is known about the daemon.
    pub(crate) runtime: Option<Duration>,
    /// All of the machine but ourselves.
    pub(crate) machine: Duration,
}

#[derive(Debug)]
pub(crate) struct Meter {
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The daemon's group and that of the pods: exact, since groups remember what has ended.
    Groups(Vec<PathBuf>),
    /// The sum over processes. Misses what a process uses between our last look and its end, if its parent is not
    /// one of ours: a lower bound.
    Processes(Mutex<Tally>),
    Nothing,
}

// === impl Meter ===

impl Meter {
    pub(crate) fn new(endpoint: &Endpoint, ground: &Ground, all: &[Hierarchy]) -> Result<Self> {
        let group = match (&endpoint.cgroup, endpoint.daemon) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(daemon)) => own_group(daemon, all)?,
            (None, None) => None,
        };
        let source = match group {
            Some(group) => Source::Groups([group].into_iter().chain(ground.accounting_group()).collect()),
            None if endpoint.daemon.is_some() => Source::Processes(Mutex::default()),
            None => Source::Nothing,
        };
        Ok(Self { source })
    }

    pub(crate) fn source(&self) -> &'static str {
        match self.source {
            Source::Groups(_) => "cgroups",
            Source::Processes(_) => "processes (a lower bound)",
            Source::Nothing => "nothing: give --pid or --cgroup",
        }
    }

    pub(crate) fn read(&self, endpoint: &Endpoint, command: &[String]) -> Result<Reading> {
        let runtime = match (&self.source, endpoint.daemon) {
            (Source::Groups(groups), _) => {
                let each: Result<Vec<Duration>> =
                    groups.iter().map(|group| cgroupfs::cpu_time(group)).collect();
                Some(each?.into_iter().sum())
            }
            (Source::Processes(tally), Some(daemon)) => {
                let all = procfs::processes()?;
                let ids = endpoint.ids();
                let members = Family { daemon, ids: &ids, command }.members(&all);
                let members: Vec<&Process> = members.into_iter().map(|(process, _)| process).collect();
                Some(tally.lock().unwrap_or_else(PoisonError::into_inner).update(&members))
            }
            _ => None,
        };
        Ok(Reading { runtime, machine: procfs::machine_busy()? })
    }
}

/// The daemon's cgroup, unless others may be in it: the root, or one that holds us as well.
fn own_group(daemon: i32, all: &[Hierarchy]) -> Result<Option<PathBuf>> {
    let Some(hierarchy) = cgroupfs::accounting(all) else { return Ok(None) };
    let cgroup_of = |pid: &str| {
        let path = format!("/proc/{pid}/cgroup");
        std::fs::read_to_string(&path).with_context(|| format!("read {path}"))
    };
    let (theirs, ours) = (cgroup_of(&daemon.to_string())?, cgroup_of("self")?);
    let theirs = cgroupfs::place_of(hierarchy, &theirs).unwrap_or("/");
    let ours = cgroupfs::place_of(hierarchy, &ours).unwrap_or("/");
    let exclusive = theirs != "/" && !Path::new(ours).starts_with(theirs);
    let group = hierarchy.group(theirs);
    Ok((exclusive && group.is_dir()).then_some(group))
}

// === impl Reading ===

impl Reading {
    /// What has been used since `earlier`.
    pub(crate) fn since(&self, earlier: &Reading) -> Reading {
        let runtime = self.runtime.zip(earlier.runtime).map(|(now, then)| now.saturating_sub(then));
        Reading { runtime, machine: self.machine.saturating_sub(earlier.machine) }
    }

    pub(crate) fn plus(&self, other: &Reading) -> Reading {
        let runtime = self.runtime.zip(other.runtime).map(|(one, other)| one + other);
        Reading { runtime, machine: self.machine + other.machine }
    }

    pub(crate) const ZERO: Self = Self { runtime: Some(Duration::ZERO), machine: Duration::ZERO };
}

// === Tally ===

/// Adds up CPU time over processes that come and go.
#[derive(Debug, Default)]
struct Tally {
    /// By pid and start.
    living: HashMap<(i32, u64), Living>,
    /// Of the dead that nobody of ours has waited for.
    orphaned: Duration,
}

#[derive(Debug)]
struct Living {
    cpu: Duration,
    /// Its parent is a member: when it ends, its time moves to the parent.
    has_heir: bool,
}

impl Tally {
    fn update(&mut self, members: &[&Process]) -> Duration {
        let now: HashMap<_, _> = members
            .iter()
            .map(|process| {
                let has_heir = members.iter().any(|other| other.pid == process.parent);
                ((process.pid, process.start_ticks), Living { cpu: process.cpu, has_heir })
            })
            .collect();
        for (key, gone) in &self.living {
            if !gone.has_heir && !now.contains_key(key) {
                self.orphaned += gone.cpu;
            }
        }
        self.living = now;
        self.orphaned + self.living.values().map(|living| living.cpu).sum::<Duration>()
    }
}
