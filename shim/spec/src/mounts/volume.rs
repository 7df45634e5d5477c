//! One mount of a CRI request.

use std::path::PathBuf;

use oci_spec::runtime::Mount;
use proto::cri::{self, MountPropagation};

use super::{destination, mount};
use crate::{
    error::{Result, SpecError, quoted},
    input::ResolvedMount,
};

/// How the option begins that names the directories of an overlay.
pub(crate) const LOWER_DIR: &str = "lowerdir=";

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
        (true, false) => "ro",
        (false, false) => "rw",
    });
    // What goes for all mounts below must go for them alone or for all together: mount_setattr(2) has one depth.
    let deep = asked.recursive_read_only;
    options.extend(
        extra_options(asked)?.into_iter().map(|(plain, recursive)| if deep { recursive } else { plain }),
    );
    if asked.image.is_some() {
        // Files of somebody's image: they are data, and never a way to another user or to a device.
        options.extend(
            ["nosuid", "nodev"].into_iter().filter(|option| !asked.mount_options.iter().any(|o| o == option)),
        );
    }
    if resolved.lower_dirs.is_empty() {
        return Ok((mount("bind", &resolved.host_path, &target, &options)?, propagation));
    }
    let lower = lower_option(&resolved.lower_dirs)?;
    options[0] = &lower;
    Ok((mount("overlay", "overlay", &target, &options)?, propagation))
}

/// `lowerdir=` as overlayfs reads it: colons between the directories, and a backslash before one that is part of a name.
fn lower_option(dirs: &[PathBuf]) -> Result<String> {
    let names = dirs.iter().map(|dir| {
        let name = dir.to_str().ok_or_else(|| {
            SpecError::invalid(
                format!("image directory {}", quoted(dir.as_os_str().as_encoded_bytes())),
                "its name is not UTF-8",
                "use another image_sub_path",
            )
        })?;
        Ok(name.replace('\\', "\\\\").replace(':', "\\:"))
    });
    Ok(format!("{LOWER_DIR}{}", names.collect::<Result<Vec<_>>>()?.join(":")))
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
fn extra_options(asked: &cri::Mount) -> Result<Vec<(&'static str, &'static str)>> {
    let mut options = Vec::new();
    for option in &asked.mount_options {
        let known = [("noexec", "rnoexec"), ("nodev", "rnodev"), ("nosuid", "rnosuid")];
        let known = known.into_iter().find(|(known, _)| known == option).ok_or_else(|| {
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
