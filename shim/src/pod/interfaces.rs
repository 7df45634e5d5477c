//! What the interfaces of a pod have carried, as its monitor, which lives in the pod's network namespace, sees them.
use std::{fs, io::Read};

use proto::record;

/// Thousands of interfaces; their number is the pod's to decide.
const LIMIT: u64 = 1 << 20;

/// One interface since it was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) received: Traffic,
    pub(crate) sent: Traffic,
}

/// One direction.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) errors: u64,
    pub(crate) dropped: u64,
}

/// All but the loopback. None for a pod on the node's network: its traffic cannot be told from the node's.
pub(crate) fn of(pod: &record::Pod) -> Vec<Interface> {
    if pod.host_network {
        return Vec::new();
    }
    let mut table = String::new();
    let read = fs::File::open(format!("/proc/{}/net/dev", pod.monitor_pid))
        .and_then(|file| file.take(LIMIT).read_to_string(&mut table));
    match read {
        Ok(_) => table.lines().filter_map(interface).filter(|interface| interface.name != "lo").collect(),
        Err(_) => Vec::new(),
    }
}

/// One line of /proc/<pid>/net/dev: name, then eight receive and eight transmit counters.
fn interface(line: &str) -> Option<Interface> {
    let (name, counters) = line.split_once(':')?;
    let numbers: Vec<u64> = counters.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let traffic = |first: usize| match numbers.get(first..) {
        Some([bytes, packets, errors, dropped, ..]) => {
            Some(Traffic { bytes: *bytes, packets: *packets, errors: *errors, dropped: *dropped })
        }
        _ => None,
    };
    Some(Interface { name: name.trim().into(), received: traffic(0)?, sent: traffic(8)? })
}

#[cfg(test)]
mod tests;
