//! Which kernel parameters a pod may set: those of namespaces it owns, and no others.

use std::collections::HashMap;

use proto::monitor::Sysctl;

use crate::{
    error::{Result, SpecError, quoted},
    input::Policy,
    pod::PodNamespaces,
};

/// Longest value: what /proc/sys takes in one write.
const VALUE_LIMIT: usize = 4095;

/// Parameters of the IPC namespace, ipc_namespaces(7); `fs.mqueue.*` beside them.
const IPC: [&str; 11] = [
    "kernel/msgmax",
    "kernel/msgmnb",
    "kernel/msgmni",
    "kernel/msg_next_id",
    "kernel/sem",
    "kernel/sem_next_id",
    "kernel/shm_next_id",
    "kernel/shm_rmid_forced",
    "kernel/shmall",
    "kernel/shmmax",
    "kernel/shmmni",
];

/// What a pod with its own network gets unless it says otherwise: its processes may listen on any port and use ping
/// without capabilities. Both are harmless there, for the ports are the pod's alone.
const NETWORK_DEFAULTS: [(&str, &str); 2] =
    [("net/ipv4/ip_unprivileged_port_start", "0"), ("net/ipv4/ping_group_range", "0 2147483647")];

/// The pod's parameters, checked, in a fixed order.
pub(crate) fn of_pod(
    asked: &HashMap<String, String>,
    namespaces: PodNamespaces,
    policy: &Policy,
) -> Result<Vec<Sysctl>> {
    let mut all: Vec<Sysctl> = Vec::with_capacity(asked.len() + NETWORK_DEFAULTS.len());
    for (key, value) in asked {
        let name = path(key)?;
        check_owner(key, &name, namespaces)?;
        check_value(key, value)?;
        if all.iter().any(|other| other.name == name) {
            return Err(bad(key, "it is given twice, with dots and with slashes", "name it once"));
        }
        all.push(Sysctl { name, value: value.clone() });
    }
    if namespaces.network && policy.unprivileged_network {
        for (name, value) in NETWORK_DEFAULTS {
            if all.iter().all(|other| other.name != name) {
                all.push(Sysctl { name: name.to_owned(), value: value.to_owned() });
            }
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The path below /proc/sys. As sysctl(8): whichever of "." and "/" comes first separates, and the other is part of a
/// name ("net/ipv4/conf/eth0.100/forwarding").
fn path(key: &str) -> Result<String> {
    let separator = match key.find(['.', '/']) {
        Some(place) if key.as_bytes()[place] == b'/' => '/',
        Some(_) => '.',
        None => {
            return Err(bad(
                key,
                "it is no name of a parameter",
                "write it as in /proc/sys, with dots or slashes",
            ));
        }
    };
    let parts: Vec<String> = key
        .split(separator)
        .map(|part| if separator == '.' { part.replace('/', ".") } else { part.to_owned() })
        .collect();
    let plain = |part: &String| {
        !part.is_empty()
            && part.bytes().any(|byte| byte != b'.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:@".contains(&byte))
    };
    if key.len() > 256 || !parts.iter().all(plain) {
        return Err(bad(
            key,
            "it is no name of a parameter",
            "write it as in /proc/sys, with dots or slashes",
        ));
    }
    Ok(parts.join("/"))
}

fn check_owner(key: &str, name: &str, namespaces: PodNamespaces) -> Result<()> {
    let not_own = |which: &str, field: &str| {
        bad(key, &format!("it belongs to the {which} namespace, and this pod uses the node's"), field)
    };
    if name.starts_with("net/") {
        return match namespaces.network {
            true => Ok(()),
            false => Err(not_own("network", "remove it, or remove hostNetwork: true")),
        };
    }
    if name.starts_with("fs/mqueue/") || IPC.contains(&name) {
        return match namespaces.ipc {
            true => Ok(()),
            false => Err(not_own("IPC", "remove it, or remove hostIPC: true")),
        };
    }
    Err(bad(
        key,
        "it belongs to no namespace of a pod, so it would change the whole node",
        "set it on the node",
    ))
}

/// What is written is one line. "+" and "=" are refused as well: no parameter needs them, and they are how one
/// runtime's values became another program's arguments (CVE-2022-0811).
fn check_value(key: &str, value: &str) -> Result<()> {
    if value.is_empty() || value.len() > VALUE_LIMIT {
        return Err(bad(key, &format!("its value has {} bytes", value.len()), "use 1 to 4095"));
    }
    if value.chars().any(|c| (c.is_control() && c != '\t') || c == '+' || c == '=') {
        return Err(bad(
            key,
            &format!("its value {} holds control characters, \"+\" or \"=\"", quoted(value)),
            "use plain words and numbers",
        ));
    }
    Ok(())
}

fn bad(key: &str, cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid(format!("sysctl {}", quoted(key)), cause, way_out)
}

#[cfg(test)]
mod tests;
