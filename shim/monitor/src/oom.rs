//! Whether the kernel has killed something in a cgroup for want of memory, and the cgroup was the cause.
//!
//! A container may make cgroups below its own (Docker in a pod does), with limits of their own: what dies by those is the
//! container's own affair.
use std::fs;

use crate::procs;

/// Looks in whichever of the cgroup's directories has the memory controller: v2's memory.events or v1's
/// memory.oom_control.
pub(crate) fn killed(cgroup_dirs: &[String]) -> bool {
    cgroup_dirs.iter().any(|dir| match text(dir, "memory.events") {
        Some(events) => killed_v2(&events, text(dir, "memory.events.local").as_deref(), || {
            text(&format!("{dir}/.."), "memory.events.local")
        }),
        None => text(dir, "memory.oom_control").is_some_and(|control| killed_v1(dir, &control)),
    })
}

/// `events` counts this group and all below it, `local` this group alone; `parent` is the local file of the pod's group.
fn killed_v2(events: &str, local: Option<&str>, parent: impl FnOnce() -> Option<String>) -> bool {
    if field(events, "oom_kill") == 0 {
        return false;
    }
    // "oom" counts where the limit was, "oom_kill" where the victims were. Without the local file (before Linux 5.2)
    // it cannot be told, and with no limit met from here on down it was one above.
    let met_only_below = local.is_some_and(|local| field(events, "oom") > 0 && field(local, "oom") == 0);
    !met_only_below || parent().is_some_and(|parent| field(&parent, "oom") > 0)
}

/// v1 counts each group for itself: a victim here was not killed by the limit of a group below.
fn killed_v1(dir: &str, control: &str) -> bool {
    let met = |dir: &str| {
        let hits = |file: &str| text(dir, file).and_then(|text| text.trim().parse::<u64>().ok());
        hits("memory.failcnt") > Some(0) || hits("memory.memsw.failcnt") > Some(0)
    };
    let killed_below = || {
        let mut below = procs::directories(dir).into_iter().skip(1);
        below.any(|dir| {
            fs::read_to_string(dir.join("memory.oom_control")).is_ok_and(|text| field(&text, "oom_kill") > 0)
        })
    };
    field(control, "oom_kill") > 0 || killed_below() && (met(dir) || met(&format!("{dir}/..")))
}

fn text(dir: &str, file: &str) -> Option<String> {
    fs::read_to_string(format!("{dir}/{file}")).ok()
}

fn field(text: &str, key: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
