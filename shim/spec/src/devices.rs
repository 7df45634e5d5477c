//! Device nodes of a container, and which devices its cgroup lets it use.

use oci_spec::runtime::{
    LinuxDevice, LinuxDeviceBuilder, LinuxDeviceCgroup, LinuxDeviceCgroupBuilder, LinuxDeviceType,
};
use proto::cri;

use crate::{
    cdi,
    error::{Result, SpecError, quoted},
    host::{Found, HostDevice},
    input::Input,
};

/// Nodes every container has, as the OCI specification lists them: path, major, minor.
pub(crate) const DEFAULT: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// What a container may use besides them: its own console, pseudo-terminals and their multiplexer. Making other nodes is
/// not allowed either (the peers allow that): a node on a shared volume can be opened by whoever else sees the volume.
const TERMINALS: [(i64, Option<i64>); 3] = [(5, Some(1)), (5, Some(2)), (136, None)];

/// Devices of one container.
#[derive(Debug)]
pub(crate) struct Devices {
    /// Beyond the default ones.
    pub(crate) nodes: Vec<LinuxDevice>,
    /// In order; the first denies everything.
    pub(crate) rules: Vec<LinuxDeviceCgroup>,
}

/// The nodes a request asks for, and the rules that go with them.
pub(crate) fn devices(input: &Input<'_>, privileged: bool) -> Result<Devices> {
    let mut nodes: Vec<LinuxDevice> = Vec::new();
    let mut rules = vec![rule(false, LinuxDeviceType::A, None, None, "rwm")?];
    if privileged {
        rules.push(rule(true, LinuxDeviceType::A, None, None, "rwm")?);
        let all = input.host.all_devices().map_err(|error| {
            SpecError::invalid(
                "a privileged container",
                "the node's /dev cannot be read",
                "see the node's log",
            )
            .because(error)
        })?;
        for found in all {
            let path = found.path.display().to_string();
            put(&mut nodes, node(&found, &path)?);
        }
    } else {
        for (_, major, minor) in DEFAULT {
            rules.push(rule(true, LinuxDeviceType::C, Some(major.into()), Some(minor.into()), "rwm")?);
        }
        for (major, minor) in TERMINALS {
            rules.push(rule(true, LinuxDeviceType::C, Some(major), minor, "rwm")?);
        }
    }
    for asked in &input.container.devices {
        let access = access(asked)?;
        for (found, path) in found(input, asked)? {
            rules.push(allow(&found, access)?);
            put(&mut nodes, node(&found, &path)?);
        }
    }
    for (node, rule) in cdi::devices(input.cdi, input.host)? {
        rules.push(rule);
        put(&mut nodes, node);
    }
    Ok(Devices { nodes, rules })
}

/// The host's nodes behind one request, each with its path in the container.
fn found(input: &Input<'_>, asked: &cri::Device) -> Result<Vec<(HostDevice, String)>> {
    let host_path = asked.host_path.as_str();
    if !host_path.starts_with('/') || host_path.contains('\0') {
        return Err(bad(asked, "its host_path is not absolute", "name a node of the host"));
    }
    let path = target(asked)?;
    match input.host.device(host_path.as_ref()) {
        Ok(Found::Node(found)) => Ok(vec![(found, path)]),
        // As Docker: a directory stands for the nodes in it.
        Ok(Found::Directory(all)) if !all.is_empty() => Ok(all
            .into_iter()
            .filter_map(|found| {
                let below = found.path.strip_prefix(host_path).ok()?.to_str()?.to_owned();
                Some((found, format!("{path}/{below}")))
            })
            .collect()),
        Ok(Found::Directory(_)) => {
            Err(bad(asked, "that directory holds no device node", "name a node of the host"))
        }
        Ok(Found::Other) => Err(bad(asked, "it is no device node", "mount it as a volume instead")),
        Err(error) => Err(SpecError::not_found(
            format!("device {}", quoted(host_path)),
            "it cannot be looked at on the node",
            "check that the driver is loaded and the path right",
        )
        .because(error)),
    }
}

/// The path in the container.
fn target(asked: &cri::Device) -> Result<String> {
    let path = if asked.container_path.is_empty() { &asked.host_path } else { &asked.container_path };
    place(path).ok_or_else(|| bad(asked, "a node cannot be made there", "use a plain path below /dev"))
}

/// The cleaned path of a node in the container; `None` where none may be.
pub(crate) fn place(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let system = matches!(parts.first(), None | Some(&"proc" | &"sys")) || parts == ["dev"];
    let plain = path.starts_with('/')
        && path.len() <= 4095
        && !path.chars().any(char::is_control)
        && !parts.contains(&"..");
    (plain && !system).then(|| format!("/{}", parts.join("/")))
}

/// The rule that lets a node be used.
pub(crate) fn allow(found: &HostDevice, access: &str) -> Result<LinuxDeviceCgroup> {
    rule(true, kind(found), Some(found.major.into()), Some(found.minor.into()), access)
}

/// "r", "w", "m" in any order; nothing means all.
fn access(asked: &cri::Device) -> Result<&str> {
    match asked.permissions.as_str() {
        "" => Ok("rwm"),
        letters if letters.len() <= 3 && letters.chars().all(|letter| "rwm".contains(letter)) => Ok(letters),
        letters => Err(bad(
            asked,
            &format!("its permissions {} are not made of \"r\", \"w\" and \"m\"", quoted(letters)),
            "use \"rwm\"",
        )),
    }
}

/// A later node replaces an earlier one at the same path, and default ones are never listed.
fn put(nodes: &mut Vec<LinuxDevice>, node: LinuxDevice) {
    if DEFAULT.iter().any(|(path, ..)| node.path() == std::path::Path::new(path)) {
        return;
    }
    match nodes.iter_mut().find(|other| other.path() == node.path()) {
        Some(other) => *other = node,
        None => nodes.push(node),
    }
}

pub(crate) fn node(found: &HostDevice, path: &str) -> Result<LinuxDevice> {
    LinuxDeviceBuilder::default()
        .path(path)
        .typ(kind(found))
        .major(i64::from(found.major))
        .minor(i64::from(found.minor))
        .file_mode(found.mode & 0o777)
        .uid(found.uid)
        .gid(found.gid)
        .build()
        .map_err(|error| SpecError::internal(format!("device {path}"), error.to_string()))
}

fn kind(found: &HostDevice) -> LinuxDeviceType {
    if found.block { LinuxDeviceType::B } else { LinuxDeviceType::C }
}

fn rule(
    allow: bool,
    typ: LinuxDeviceType,
    major: Option<i64>,
    minor: Option<i64>,
    access: &str,
) -> Result<LinuxDeviceCgroup> {
    let mut rule = LinuxDeviceCgroupBuilder::default().allow(allow).typ(typ).access(access);
    if let Some(major) = major {
        rule = rule.major(major);
    }
    if let Some(minor) = minor {
        rule = rule.minor(minor);
    }
    rule.build().map_err(|error| SpecError::internal("device rule", error.to_string()))
}

fn bad(asked: &cri::Device, cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid(
        format!("device {} at {}", quoted(&asked.host_path), quoted(&asked.container_path)),
        cause,
        way_out,
    )
}

#[cfg(test)]
mod tests;
