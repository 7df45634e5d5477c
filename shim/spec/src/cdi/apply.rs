//! CDI edits as parts of the OCI spec: nodes and rules, mounts, groups. Variables are put in with the others.

use oci_spec::runtime::{LinuxDevice, LinuxDeviceCgroup, Mount as OciMount};

use super::{
    Device,
    document::{DeviceNode, Edits, Mount},
};
use crate::{
    devices as nodes,
    error::{Result, SpecError, quoted},
    host::{Found, Host, HostDevice},
    mounts as mounting,
};

/// The edits with the names of the devices they are from.
fn edits(devices: &[Device]) -> impl Iterator<Item = (&str, &Edits)> {
    devices.iter().flat_map(|device| device.edits.iter().map(|edits| (device.name.as_str(), edits)))
}

/// What this monitor does not do must not be left out in silence.
pub(crate) fn refuse_the_rest(devices: &[Device]) -> Result<()> {
    for (name, edits) in edits(devices) {
        for (there, what) in [
            (!edits.hooks.is_empty(), "hooks"),
            (!edits.net_devices.is_empty(), "netDevices"),
            (edits.intel_rdt.is_some(), "intelRdt"),
        ] {
            if there {
                return Err(SpecError::unsupported(
                    format!("CDI device {}", quoted(name)),
                    format!("its CDI file has {what}, which Berth does not run"),
                    format!("have the CDI file made without {what}"),
                ));
            }
        }
    }
    Ok(())
}

/// Groups that are added to the process, once each.
pub(crate) fn groups(devices: &[Device], known: &mut Vec<u32>) {
    for gid in edits(devices).flat_map(|(_, edits)| &edits.additional_gids) {
        if *gid != 0 && !known.contains(gid) {
            known.push(*gid);
        }
    }
}

/// "NAME=value", in order.
pub(crate) fn env(devices: &[Device]) -> impl Iterator<Item = (&str, &str)> {
    edits(devices).flat_map(|(_, edits)| &edits.env).filter_map(|entry| entry.split_once('='))
}

/// The nodes, each with the rule that lets it be used.
pub(crate) fn devices(devices: &[Device], host: &dyn Host) -> Result<Vec<(LinuxDevice, LinuxDeviceCgroup)>> {
    let mut made = Vec::new();
    for (name, edits) in edits(devices) {
        for asked in &edits.device_nodes {
            let found = node(name, asked, host)?;
            let path = nodes::place(&asked.path)
                .ok_or_else(|| bad(name, &asked.path, "a node cannot be made there"))?;
            let access = match asked.permissions.as_str() {
                "" => "rwm",
                // What a CDI file has in place of an empty list.
                "none" => "",
                letters => letters,
            };
            if !access.chars().all(|letter| "rwm".contains(letter)) || access.len() > 3 {
                return Err(bad(name, &asked.path, "its permissions are not made of \"r\", \"w\" and \"m\""));
            }
            made.push((nodes::node(&found, &path)?, nodes::allow(&found, access)?));
        }
    }
    Ok(made)
}

/// What the file says of the node, and where it is silent, what is on the node.
fn node(name: &str, asked: &DeviceNode, host: &dyn Host) -> Result<HostDevice> {
    let source = if asked.host_path.is_empty() { &asked.path } else { &asked.host_path };
    if !source.starts_with('/') || source.contains('\0') {
        return Err(bad(name, source, "its path is not absolute"));
    }
    let number =
        |value: i64| u32::try_from(value).map_err(|_| bad(name, source, "its number is out of range"));
    let kind = match asked.kind.as_str() {
        "" => None,
        "b" => Some(true),
        "c" | "u" => Some(false),
        _ => return Err(bad(name, source, "its type is none of b, c and u")),
    };
    let said = match (kind, asked.major, asked.minor) {
        (Some(block), Some(major), Some(minor)) => Some((block, number(major)?, number(minor)?)),
        _ => None,
    };
    let found = match (host.device(source.as_ref()), said) {
        (Ok(Found::Node(found)), None) => {
            if kind.is_some_and(|block| block != found.block) {
                return Err(bad(name, source, "the node's type is not the one its CDI file says"));
            }
            found
        }
        (Ok(Found::Node(found)), Some((block, major, minor))) => HostDevice { block, major, minor, ..found },
        // It need not be there when the file says all about it: drivers make nodes late.
        (_, Some((block, major, minor))) => {
            HostDevice { path: source.into(), block, major, minor, mode: 0o666, uid: 0, gid: 0 }
        }
        (Ok(_), None) => return Err(bad(name, source, "it is no device node")),
        (Err(error), None) => {
            return Err(SpecError::not_found(
                thing(name, source),
                "its node cannot be looked at",
                "check that the driver is loaded, or have the CDI file made anew",
            )
            .because(error));
        }
    };
    Ok(HostDevice {
        mode: asked.file_mode.map_or(found.mode, |mode| mode & 0o777),
        uid: asked.uid.unwrap_or(found.uid),
        gid: asked.gid.unwrap_or(found.gid),
        ..found
    })
}

/// The mounts, their sources followed to where they lead.
pub(crate) fn mounts(devices: &[Device], host: &dyn Host) -> Result<Vec<OciMount>> {
    let mut made = Vec::new();
    for (name, edits) in edits(devices) {
        for asked in &edits.mounts {
            made.push(mount(name, asked, host)?);
        }
    }
    Ok(made)
}

fn mount(name: &str, asked: &Mount, host: &dyn Host) -> Result<OciMount> {
    let because = |cause: &str| bad(name, &asked.container_path, cause);
    let bind = asked.options.iter().any(|option| option == "bind" || option == "rbind");
    let (kind, bind_option) = match asked.kind.as_str() {
        "" | "bind" | "none" if bind => ("bind", None),
        "" | "bind" | "none" => ("bind", Some("bind")),
        "tmpfs" => ("tmpfs", None),
        _ => return Err(because("its mount is neither a bind nor a tmpfs")),
    };
    let source = match kind {
        "bind" => host.resolve(asked.host_path.as_ref()).map_err(|error| {
            SpecError::not_found(
                thing(name, &asked.host_path),
                "what it mounts is not on this node",
                "install the driver's files, or have the CDI file made anew",
            )
            .because(error)
        })?,
        _ => kind.into(),
    };
    let options: Vec<&str> =
        bind_option.into_iter().chain(asked.options.iter().map(String::as_str)).collect();
    mounting::of_cdi(kind, source, &asked.container_path, &options)
}

fn bad(name: &str, path: &str, cause: &str) -> SpecError {
    SpecError::invalid(thing(name, path), cause, "correct its CDI file, or have it made anew")
}

fn thing(name: &str, path: &str) -> String {
    format!("CDI device {} with {}", quoted(name), quoted(path))
}
