//! Which processes an endpoint has: the daemon, those that serve pods, and the programs in the containers.
use std::collections::HashSet;

use crate::procfs::Process;

#[cfg(test)]
mod tests;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Daemon,
    /// Monitors, shims, pauses: what the runtime adds for each pod.
    Helper,
    /// What was asked for. The same with every runtime, so it is left out of memory.
    Workload,
}

/// What makes a process an endpoint's.
#[derive(Debug)]
pub(crate) struct Family<'a> {
    pub(crate) daemon: i32,
    /// Pods and containers we made there. Shims and monitors have them in their arguments, pauses in their cgroups;
    /// most of them are no children of the daemon.
    pub(crate) ids: &'a HashSet<String>,
    /// What the containers run.
    pub(crate) command: &'a [String],
}

impl Family<'_> {
    /// The members among `all`, each with its role.
    pub(crate) fn members<'p>(&self, all: &'p [Process]) -> Vec<(&'p Process, Role)> {
        let mut roles = vec![None; all.len()];
        for (role, process) in roles.iter_mut().zip(all) {
            *role = self.role_by_itself(process);
        }
        // Children follow their parents, generation by generation.
        loop {
            let inherited: Vec<_> = (0..all.len())
                .filter_map(|at| Some((at, inherited(all, &roles, at)?)))
                .filter(|(at, role)| roles[*at] != Some(*role))
                .collect();
            if inherited.is_empty() {
                break;
            }
            for (at, role) in inherited {
                roles[at] = Some(role);
            }
        }
        all.iter().zip(roles).filter_map(|(process, role)| Some((process, role?))).collect()
    }

    fn role_by_itself(&self, process: &Process) -> Option<Role> {
        if process.pid == self.daemon {
            return Some(Role::Daemon);
        }
        let names_ours = |text: &str| words(text).any(|word| self.ids.contains(word));
        if process.arguments.iter().any(|argument| names_ours(argument)) {
            return Some(Role::Helper);
        }
        if !names_ours(&process.cgroup) {
            return None;
        }
        Some(if process.arguments == self.command { Role::Workload } else { Role::Helper })
    }
}

/// A workload's children are workload, whatever else speaks for them; a member's other children are helpers.
fn inherited(all: &[Process], roles: &[Option<Role>], at: usize) -> Option<Role> {
    let parent = all.iter().position(|process| process.pid == all[at].parent)?;
    match (roles[parent]?, roles[at]) {
        (_, Some(Role::Daemon)) => None,
        (Role::Workload, _) => Some(Role::Workload),
        (Role::Daemon | Role::Helper, None) => Some(Role::Helper),
        (Role::Daemon | Role::Helper, Some(_)) => None,
    }
}

/// The runs of lower-case letters and digits in a text: ids hide in paths and in names like "cri-containerd-<id>.scope".
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_lowercase() && !letter.is_ascii_digit())
}
