//! What of /proc/sys/net the built-in network needs.

use std::{fs, io};

use crate::{
    error::{Error, Result},
    ids::IfName,
};

/// Whether the file must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Always,
    /// Only where the kernel has IPv6.
    IfPresent,
}

/// Sets them in the caller's network namespace. Reads first: /proc/sys may be read-only and right.
pub(super) fn apply(bridge: &IfName) -> Result<()> {
    set("ipv4/ip_forward", "1", Need::Always)?;
    let ipv4 = |name: &str| format!("ipv4/conf/{bridge}/{name}");
    // Follows ip_forward only for interfaces made after it, and not if `default` says otherwise.
    set(&ipv4("forwarding"), "1", Need::Always)?;
    // A pod must not send in the name of addresses that lie elsewhere.
    set(&ipv4("rp_filter"), "1", Need::Always)?;
    // hostPorts on 127.0.0.1: the source of such a packet is loopback until postrouting, and its answer is for loopback. What
    // pods could do with it is refused in the `guard` chain, which is there before.
    set(&ipv4("route_localnet"), "1", Need::Always)?;
    // A pod that plays router must not give the node routes (CVE-2020-10749).
    set(&format!("ipv6/conf/{bridge}/accept_ra"), "0", Need::IfPresent)
}

fn set(name: &str, value: &str, need: Need) -> Result<()> {
    let path = format!("/proc/sys/net/{name}");
    let failed = |what| {
        let path = path.clone();
        move |source| Error::File { what, path, source }
    };
    match fs::read_to_string(&path) {
        Ok(current) if current.trim() == value => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && need == Need::IfPresent => Ok(()),
        Ok(_) => fs::write(&path, value).map_err(failed("set sysctl")),
        Err(error) => Err(failed("read sysctl")(error)),
    }
}
