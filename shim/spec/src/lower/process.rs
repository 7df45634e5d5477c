//! The process section of the OCI spec as the monitor starts it.

use std::collections::HashMap;

use oci_spec::runtime::{Capabilities, Linux, PosixRlimit, PosixRlimitType, Process, Spec};
use proto::monitor;

use super::{missing, text, unsupported};
use crate::{capabilities::CapabilitySet, error::Result, input::Input};

pub(super) fn lower(spec: &Spec, linux: &Linux, input: &Input<'_>) -> Result<monitor::Process> {
    let process = spec.process().as_ref().ok_or_else(|| missing("process"))?;
    refuse_unknown(process)?;
    let filter = linux.seccomp().as_ref().map(|profile| input.filters.filter(profile)).transpose()?;
    let filter = filter.as_deref().cloned().unwrap_or_default();
    let user = process.user();
    Ok(monitor::Process {
        args: process.args().clone().unwrap_or_default(),
        env: env(process, input),
        cwd: text(process.cwd())?,
        terminal: process.terminal().unwrap_or(false),
        uid: user.uid(),
        gid: user.gid(),
        additional_gids: user.additional_gids().clone().unwrap_or_default(),
        umask: user.umask().unwrap_or(0),
        capabilities: Some(capabilities(process)),
        rlimits: process.rlimits().iter().flatten().map(rlimit).collect(),
        no_new_privileges: process.no_new_privileges().unwrap_or(false),
        oom_score_adj: process.oom_score_adj(),
        apparmor_profile: process.apparmor_profile().clone().unwrap_or_default(),
        selinux_label: process.selinux_label().clone().unwrap_or_default(),
        seccomp_filter: filter.program,
        seccomp_flags: filter.flags,
    })
}

fn refuse_unknown(process: &Process) -> Result<()> {
    for (there, what) in [
        (process.io_priority().is_some(), "ioPriority"),
        (process.scheduler().is_some(), "scheduler"),
        (process.exec_cpu_affinity().is_some(), "execCPUAffinity"),
    ] {
        if there {
            return Err(unsupported(what));
        }
    }
    Ok(())
}

/// The environment, with the bytes of values that are not UTF-8 put back: the spec shows such a value with replacement
/// characters, and as long as it still does, nobody has changed it.
fn env(process: &Process, input: &Input<'_>) -> Vec<Vec<u8>> {
    let raw: HashMap<&str, &[u8]> = input
        .container
        .envs
        .iter()
        .map(|variable| (variable.key.as_str(), variable.value.as_slice()))
        .filter(|(_, value)| std::str::from_utf8(value).is_err())
        .collect();
    let whole = |entry: &String| {
        let bytes = entry.split_once('=').and_then(|(key, shown)| {
            let value = raw.get(key).filter(|value| String::from_utf8_lossy(value) == shown)?;
            Some([key.as_bytes(), b"=", value].concat())
        });
        bytes.unwrap_or_else(|| entry.clone().into_bytes())
    };
    process.env().iter().flatten().map(whole).collect()
}

fn capabilities(process: &Process) -> monitor::Capabilities {
    let Some(sets) = process.capabilities() else { return monitor::Capabilities::default() };
    monitor::Capabilities {
        bounding: mask(sets.bounding()),
        effective: mask(sets.effective()),
        permitted: mask(sets.permitted()),
        inheritable: mask(sets.inheritable()),
        ambient: mask(sets.ambient()),
    }
}

fn mask(set: &Option<Capabilities>) -> u64 {
    let names = set.iter().flatten().map(ToString::to_string);
    names.filter_map(|name| CapabilitySet::by_name(&name)).fold(0, |mask, one| mask | one.0)
}

/// RLIMIT_* of `<asm-generic/resource.h>`, the same on x86 and ARM.
fn rlimit(limit: &PosixRlimit) -> monitor::Rlimit {
    let resource = match limit.typ() {
        PosixRlimitType::RlimitCpu => 0,
        PosixRlimitType::RlimitFsize => 1,
        PosixRlimitType::RlimitData => 2,
        PosixRlimitType::RlimitStack => 3,
        PosixRlimitType::RlimitCore => 4,
        PosixRlimitType::RlimitRss => 5,
        PosixRlimitType::RlimitNproc => 6,
        PosixRlimitType::RlimitNofile => 7,
        PosixRlimitType::RlimitMemlock => 8,
        PosixRlimitType::RlimitAs => 9,
        PosixRlimitType::RlimitLocks => 10,
        PosixRlimitType::RlimitSigpending => 11,
        PosixRlimitType::RlimitMsgqueue => 12,
        PosixRlimitType::RlimitNice => 13,
        PosixRlimitType::RlimitRtprio => 14,
        PosixRlimitType::RlimitRttime => 15,
    };
    monitor::Rlimit { resource, soft: limit.soft(), hard: limit.hard() }
}
