//! The OCI spec as the monitor's plan.

mod mount;
mod process;

use std::path::Path;

use oci_spec::runtime::{Linux, LinuxDeviceType, LinuxNamespaceType, Spec};
use proto::{
    cri,
    monitor::{Device, LaunchPlan, PidMode, Rootfs, Stdio, Sysctl},
};

use crate::{
    devices,
    error::{Result, SpecError},
    input::Input,
    log_path,
};

/// Translates a spec that [`build`](crate::build) made of the same input, possibly changed since.
///
/// # Errors
/// A seccomp profile that cannot be compiled, or a part of the spec the monitor has no means for.
pub fn lower(spec: &Spec, input: &Input<'_>) -> Result<LaunchPlan> {
    let linux = spec.linux().as_ref().ok_or_else(|| missing("linux"))?;
    refuse_unknown(spec, linux)?;
    let mounts = spec.mounts().as_deref().unwrap_or_default();
    let mounts = mounts.iter().map(|mount| mount::lower(mount, input.paths)).collect::<Result<Vec<_>>>()?;
    let (pid_mode, target_container_id) = pid_mode(linux, input);
    Ok(LaunchPlan {
        container_id: input.container_id.to_owned(),
        rootfs: Some(rootfs(spec, input)?),
        devices: nodes(spec, linux)?,
        mounts,
        process: Some(process::lower(spec, linux, input)?),
        masked_paths: linux.masked_paths().clone().unwrap_or_default(),
        readonly_paths: linux.readonly_paths().clone().unwrap_or_default(),
        pid_mode: pid_mode.into(),
        target_container_id,
        new_cgroup_namespace: has(linux, LinuxNamespaceType::Cgroup),
        cgroup_dirs: input.paths.cgroup_dirs.iter().map(|dir| text(dir)).collect::<Result<_>>()?,
        stdio: Some(stdio(input.pod, input.container)?),
        sysctls: sysctls(linux),
        root_propagation: mount::propagation(linux.rootfs_propagation().as_deref().unwrap_or("rprivate"))
            .ok_or_else(|| unsupported("rootfsPropagation"))?,
    })
}

/// What this monitor cannot do must not be dropped in silence: it would be a container other than the one described.
fn refuse_unknown(spec: &Spec, linux: &Linux) -> Result<()> {
    let hooks = spec.hooks().as_ref().is_some_and(|hooks| *hooks != Default::default());
    for (there, what) in [
        (hooks, "hooks"),
        (spec.domainname().is_some(), "domainname"),
        (has(linux, LinuxNamespaceType::User), "a user namespace"),
        (has(linux, LinuxNamespaceType::Time), "a time namespace"),
        (linux.uid_mappings().is_some() || linux.gid_mappings().is_some(), "id mappings"),
        (linux.net_devices().is_some(), "netDevices"),
        (linux.intel_rdt().is_some(), "intelRdt"),
        (linux.memory_policy().is_some(), "memoryPolicy"),
        (linux.personality().is_some(), "personality"),
        (linux.time_offsets().is_some(), "timeOffsets"),
    ] {
        if there {
            return Err(unsupported(what));
        }
    }
    Ok(())
}

fn has(linux: &Linux, kind: LinuxNamespaceType) -> bool {
    linux.namespaces().iter().flatten().any(|namespace| namespace.typ() == kind)
}

/// No entry is the host's namespace, an entry without a path a new one; whose a path is, its place in `paths` says.
fn pid_mode(linux: &Linux, input: &Input<'_>) -> (PidMode, String) {
    let namespace = linux.namespaces().iter().flatten().find(|entry| entry.typ() == LinuxNamespaceType::Pid);
    match namespace.map(|namespace| namespace.path()) {
        None => (PidMode::Host, String::new()),
        Some(None) => (PidMode::Container, String::new()),
        Some(path) if path.is_some() && *path == input.paths.target_pid_namespace => {
            let security = input.container.linux.as_ref().and_then(|linux| linux.security_context.as_ref());
            let options = security.and_then(|security| security.namespace_options.as_ref());
            (PidMode::Target, options.map(|options| options.target_id.clone()).unwrap_or_default())
        }
        Some(_) => (PidMode::Pod, String::new()),
    }
}

fn rootfs(spec: &Spec, input: &Input<'_>) -> Result<Rootfs> {
    let root = spec.root().as_ref().ok_or_else(|| missing("root"))?;
    Ok(Rootfs {
        lower_dirs: input.paths.lower_dirs.iter().map(|dir| text(dir)).collect::<Result<_>>()?,
        upper_dir: text(&input.paths.upper_dir)?,
        work_dir: text(&input.paths.work_dir)?,
        readonly: root.readonly().unwrap_or(false),
    })
}

/// The default nodes and the spec's. Where /dev is bound from the host there are none: they would be made on the host.
fn nodes(spec: &Spec, linux: &Linux) -> Result<Vec<Device>> {
    let own_dev = spec
        .mounts()
        .iter()
        .flatten()
        .any(|mount| mount.destination() == Path::new("/dev") && mount.typ().as_deref() == Some("tmpfs"));
    let mut nodes = Vec::new();
    if own_dev {
        for (path, major, minor) in devices::DEFAULT {
            let kind = u32::from('c');
            nodes.push(Device {
                path: path.to_owned(),
                r#type: kind,
                major,
                minor,
                mode: 0o666,
                uid: 0,
                gid: 0,
            });
        }
    }
    for device in linux.devices().iter().flatten() {
        if !own_dev && device.path().starts_with("/dev") {
            continue;
        }
        let node = Device {
            path: text(device.path())?,
            r#type: match device.typ() {
                LinuxDeviceType::B => u32::from('b'),
                LinuxDeviceType::C | LinuxDeviceType::U => u32::from('c'),
                LinuxDeviceType::P => u32::from('p'),
                LinuxDeviceType::A => return Err(unsupported("a device node of type \"a\"")),
            },
            major: number(device.major())?,
            minor: number(device.minor())?,
            mode: device.file_mode().unwrap_or(0o666) & 0o777,
            uid: device.uid().unwrap_or(0),
            gid: device.gid().unwrap_or(0),
        };
        nodes.retain(|other| other.path != node.path);
        nodes.push(node);
    }
    Ok(nodes)
}

fn number(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| unsupported(&format!("device number {value}")))
}

fn stdio(pod: &cri::PodSandboxConfig, container: &cri::ContainerConfig) -> Result<Stdio> {
    let (log_directory, log_path) = match log_path::log_path(pod, container)? {
        Some(log) => (text(&log.directory)?, text(&log.file)?),
        None => (String::new(), String::new()),
    };
    Ok(Stdio { stdin: container.stdin, stdin_once: container.stdin_once, log_directory, log_path })
}

fn sysctls(linux: &Linux) -> Vec<Sysctl> {
    let mut all: Vec<Sysctl> = linux
        .sysctl()
        .iter()
        .flatten()
        .map(|(name, value)| Sysctl { name: name.clone(), value: value.clone() })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// Our own paths are text; a volume's need not be, but no kubelet sends other ones: CRI strings are UTF-8.
fn text(path: &Path) -> Result<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| unsupported(&format!("path {} (not UTF-8)", path.display())))
}

fn missing(section: &str) -> SpecError {
    SpecError::internal("the OCI spec", format!("it has no section {section:?}"))
}

fn unsupported(what: &str) -> SpecError {
    SpecError::unsupported(
        what,
        "Berth's own monitor does not do this",
        "remove it from the container's spec",
    )
}

#[cfg(test)]
mod tests;
