//! What is mounted into a container, in order.

mod default;
mod destination;
mod volume;

pub(crate) use volume::LOWER_DIR;

use std::path::PathBuf;

use oci_spec::runtime::{Mount, MountBuilder};
use proto::cri;

use crate::{
    cdi,
    error::{Result, SpecError, quoted},
    input::{ImageFacts, Input},
    pod::PodNamespaces,
};

/// More volumes than this no image has; each is a directory and a mount.
const IMAGE_VOLUME_LIMIT: usize = 256;

/// Where the daemon should make volumes for the image's `VOLUME`s, cleaned: those that are no CRI mount nor below one (they
/// would be made on the node), and that do not lie in `/proc`, `/sys` or `/dev`.
///
/// # Errors
/// A volume that climbs or is the root, or too many of them.
pub fn image_volumes(container: &cri::ContainerConfig, image: &ImageFacts) -> Result<Vec<String>> {
    if image.volumes.len() > IMAGE_VOLUME_LIMIT {
        return Err(SpecError::invalid(
            format!("{} volumes of image {}", image.volumes.len(), quoted(&image.name)),
            format!("{IMAGE_VOLUME_LIMIT} are the limit"),
            "rebuild the image with fewer VOLUMEs",
        ));
    }
    let covered = container
        .mounts
        .iter()
        .map(|mount| destination::of_request(&mount.container_path))
        .collect::<Result<Vec<_>>>()?;
    let wanted = image.volumes.iter().map(|path| destination::of_image(path)).collect::<Result<Vec<_>>>()?;
    let mut volumes: Vec<String> = wanted.into_iter().flatten().collect();
    volumes.retain(|volume| !covered.iter().any(|mount| std::path::Path::new(volume).starts_with(mount)));
    volumes.sort();
    volumes.dedup();
    Ok(volumes)
}

/// All mounts of a container.
#[derive(Debug)]
pub(crate) struct Mounts {
    pub(crate) list: Vec<Mount>,
    /// "rprivate", "rslave" or "rshared": how the root must be mounted for the volumes' propagation to work.
    pub(crate) root_propagation: &'static str,
}

/// Puts the mounts together: first the kernel's file systems, unless a volume replaces or covers them, then everything
/// from the host, parents before what lies in them.
pub(crate) fn mounts(input: &Input<'_>, namespaces: PodNamespaces, privileged: bool) -> Result<Mounts> {
    if input.mounts.len() != input.container.mounts.len() {
        return Err(SpecError::internal(
            "mounts",
            format!("{} are asked for and {} resolved", input.container.mounts.len(), input.mounts.len()),
        ));
    }
    let mut volumes = Vec::new();
    let mut root_propagation = volume::Propagation::Private;
    for (asked, resolved) in input.container.mounts.iter().zip(input.mounts) {
        let (mount, propagation) = volume::of_request(asked, resolved)?;
        root_propagation = root_propagation.max(propagation);
        volumes.push(mount);
    }
    for mount in cdi::mounts(input.cdi, input.host)? {
        volumes.retain(|other| other.destination() != mount.destination());
        volumes.push(mount);
    }
    let requested = volumes.len();
    for mount in pod_files(input)?.into_iter().chain(image_volume_mounts(input)?) {
        if volumes[..requested].iter().all(|other| other.destination() != mount.destination()) {
            volumes.push(mount);
        }
    }
    volumes.sort_by_key(|mount| mount.destination().components().count());

    let mut list = default::mounts(input.paths, namespaces, privileged, input.node.cgroup_v2)?;
    list.retain(|mount| !volumes.iter().any(|volume| mount.destination().starts_with(volume.destination())));
    list.extend(volumes);
    Ok(Mounts { list, root_propagation: root_propagation.option() })
}

/// The files berthd keeps for the pod. All its containers see the same ones and may change them, as at the peers.
fn pod_files(input: &Input<'_>) -> Result<Vec<Mount>> {
    let security = input.container.linux.as_ref().and_then(|linux| linux.security_context.as_ref());
    let access = if security.is_some_and(|security| security.readonly_rootfs) { "ro" } else { "rw" };
    let paths = input.paths;
    [
        ("/etc/hostname", &paths.hostname),
        ("/etc/hosts", &paths.hosts),
        ("/etc/resolv.conf", &paths.resolv_conf),
    ]
    .into_iter()
    .filter_map(|(destination, source)| source.as_ref().map(|source| (destination, source)))
    .map(|(destination, source)| mount("bind", source, destination, &["bind", "rprivate", access]))
    .collect()
}

fn image_volume_mounts(input: &Input<'_>) -> Result<Vec<Mount>> {
    let of = |volume: &crate::ImageVolume| match destination::of_image(&volume.destination) {
        Ok(Some(destination)) => {
            Some(mount("bind", &volume.host_path, &destination, &["bind", "rprivate", "rw"]))
        }
        Ok(None) => None,
        Err(error) => Some(Err(error)),
    };
    input.volumes.iter().filter_map(of).collect()
}

/// A mount that a CDI file asks for, held to the same as one of a request.
pub(crate) fn of_cdi(kind: &str, source: PathBuf, destination: &str, options: &[&str]) -> Result<Mount> {
    let destination = destination::of_request(destination)?;
    destination::check_proc(&destination, &source)?;
    mount(kind, source, &destination, options)
}

fn mount(kind: &str, source: impl Into<PathBuf>, destination: &str, options: &[&str]) -> Result<Mount> {
    let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
    MountBuilder::default()
        .typ(kind)
        .source(source)
        .destination(destination)
        .options(options)
        .build()
        .map_err(|error| SpecError::internal(format!("mount at {destination:?}"), error.to_string()))
}

#[cfg(test)]
mod tests;
