//! One mount of a CRI request.

use oci_spec::runtime::Mount;
use proto::cri::{self, MountPropagation};

use super::{destination, mount};
use crate::{
    error::{Result, SpecError, quoted},
    input::ResolvedMount,
};

/// How mounts made later spread; ordered by what it demands of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Propagation {
    Private,
    Slave,
    Shared,
}

/// The mount, and the propagation it needs.
pub(super) fn of_request(asked: &cri::Mount, resolved: &ResolvedMount) -> Result<(Mount, Propagation)> {
    let target = destination::of_request(&asked.container_path)?;
    check_source(asked, resolved)?;
    destination::check_proc(&target, &resolved.host_path)?;
    let propagation = Propagation::of(asked)?;
    let readonly = asked.readonly || asked.image.is_some();

    let mut options = vec!["rbind", propagation.option()];
    options.push(match (readonly, asked.recursive_read_only) {
        (true, true) if propagation == Propagation::Private => "rro",
        (true, true) => {
            return Err(bad(
                asked,
                "recursive_read_only needs propagation PRIVATE",
                "set mountPropagation: None",
            ));
        }
        (false, true) => {
            return Err(bad(asked, "recursive_read_only contradicts readonly: false", "set readOnly: true"));
        }
        // Sub-mounts of an image do not exist today; "rro" keeps it so whatever the daemon assembles.
        (true, false) if asked.image.is_some() => "rro",
        (true, false) => "ro",
        (false, false) => "rw",
    });
    options.extend(extra_options(asked)?);
    Ok((mount("bind", &resolved.host_path, &target, &options)?, propagation))
}

fn check_source(asked: &cri::Mount, resolved: &ResolvedMount) -> Result<()> {
    match (&asked.image, asked.host_path.as_str()) {
        (None, "") => return Err(bad(asked, "it has no host_path and no image", "set one of them")),
        (Some(_), path) if !path.is_empty() => {
            return Err(bad(asked, "it has both an image and a host_path", "set only one of them"));
        }
        (Some(_), _) if !asked.readonly => {
            return Err(bad(asked, "an image cannot be mounted writable", "set readonly: true"));
        }
        (None, _) if !asked.image_sub_path.is_empty() => {
            return Err(bad(asked, "it has image_sub_path but no image", "set image as well"));
        }
        _ => {}
    }
    if !asked.uid_mappings.is_empty() || !asked.gid_mappings.is_empty() {
        return Err(SpecError::unsupported(
            format!("mount at {}", quoted(&asked.container_path)),
            "this version of Berth makes no id-mapped mounts",
            "remove hostUsers: false from the pod",
        ));
    }
    if !resolved.host_path.is_absolute() {
        return Err(SpecError::internal(
            format!("mount at {}", quoted(&asked.container_path)),
            format!("its resolved source {} is not absolute", resolved.host_path.display()),
        ));
    }
    Ok(())
}

/// `mount_options`: the flags kubelet may add, and no others, since these strings reach the kernel.
fn extra_options(asked: &cri::Mount) -> Result<Vec<&'static str>> {
    let mut options = Vec::new();
    for option in &asked.mount_options {
        let known =
            ["noexec", "nodev", "nosuid"].into_iter().find(|known| known == option).ok_or_else(|| {
                bad(
                    asked,
                    &format!("option {} is none a volume may have", quoted(option)),
                    "use noexec, nodev, nosuid",
                )
            })?;
        if !options.contains(&known) {
            options.push(known);
        }
    }
    Ok(options)
}

// === impl Propagation ===

impl Propagation {
    fn of(asked: &cri::Mount) -> Result<Self> {
        match MountPropagation::try_from(asked.propagation) {
            Ok(MountPropagation::PropagationPrivate) => Ok(Self::Private),
            Ok(MountPropagation::PropagationHostToContainer) => Ok(Self::Slave),
            Ok(MountPropagation::PropagationBidirectional) => Ok(Self::Shared),
            Err(_) => Err(bad(
                asked,
                &format!("there is no propagation {}", asked.propagation),
                "use PRIVATE, HOST_TO_CONTAINER or BIDIRECTIONAL",
            )),
        }
    }

    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Private => "rprivate",
            Self::Slave => "rslave",
            Self::Shared => "rshared",
        }
    }
}

fn bad(asked: &cri::Mount, cause: &str, way_out: &str) -> SpecError {
    SpecError::invalid(format!("mount at {}", quoted(&asked.container_path)), cause, way_out)
}
