//! `-v`: which file or directory of the node is seen where in the container.

use std::path::{Component, Path};

use proto::cri::{Mount, MountPropagation};

use crate::failure::{Doing, Failure, Result};

/// `HOST:CONTAINER[:OPTIONS]`, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Volume {
    host: String,
    container: String,
    read_only: bool,
    propagation: MountPropagation,
}

impl Volume {
    /// Options are ro, rw, private, slave (rslave) and shared (rshared).
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(host), Some(container), options, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("use HOST:CONTAINER[:ro], such as $PWD:/src:ro".to_owned());
        };
        if host.is_empty() {
            return Err("the path on the node is missing".to_owned());
        }
        if !container.starts_with('/')
            || Path::new(container).components().any(|part| part == Component::ParentDir)
        {
            return Err(format!("{container:?} is not an absolute path in the container"));
        }
        let mut volume = Self {
            host: host.to_owned(),
            container: container.to_owned(),
            read_only: false,
            propagation: MountPropagation::PropagationPrivate,
        };
        for option in options.iter().flat_map(|options| options.split(',')) {
            match option {
                "ro" => volume.read_only = true,
                "rw" => volume.read_only = false,
                "private" | "rprivate" => volume.propagation = MountPropagation::PropagationPrivate,
                "slave" | "rslave" => volume.propagation = MountPropagation::PropagationHostToContainer,
                "shared" | "rshared" => volume.propagation = MountPropagation::PropagationBidirectional,
                other => return Err(format!("{other:?} is not ro, rw, private, slave or shared")),
            }
        }
        Ok(volume)
    }

    /// As CRI wants it. A path that does not begin with / is one of our working directory; it must exist, for a
    /// directory made by mistake is worse than an error.
    pub(super) fn mount(&self) -> Result<Mount> {
        let host = std::path::absolute(&self.host).doing(format_args!("find {}", self.host))?;
        if !host.exists() {
            return Err(Failure::new(format!("{} does not exist", host.display()))
                .or_try(format!("`mkdir -p {}`, if it is to be an empty directory", host.display())));
        }
        let host = host.into_os_string().into_string();
        Ok(Mount {
            host_path: host.map_err(|path| Failure::new(format!("{} is not UTF-8", path.display())))?,
            container_path: self.container.clone(),
            readonly: self.read_only,
            propagation: self.propagation as i32,
            ..Mount::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let volume = Volume::parse("/srv:/data").unwrap();
        assert_eq!(
            (volume.host.as_str(), volume.container.as_str(), volume.read_only),
            ("/srv", "/data", false)
        );
        let volume = Volume::parse(".:/src:ro,rslave").unwrap();
        assert!(volume.read_only);
        assert_eq!(volume.propagation, MountPropagation::PropagationHostToContainer);
    }

    #[test]
    fn other_forms_are_explained() {
        for bad in ["", "/srv", "/srv:", ":/data", "/srv:data", "/srv:/a/../b", "/srv:/data:rx", "a:/b:ro:rw"]
        {
            assert!(Volume::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_mounted_exists_and_is_absolute() {
        let here = Volume::parse(".:/src:ro").unwrap().mount().unwrap();
        assert!(here.host_path.starts_with('/') && here.readonly, "{here:?}");
        let missing = Volume::parse("/nowhere/at/all:/x").unwrap().mount().unwrap_err();
        assert!(missing.to_string().contains("mkdir -p /nowhere/at/all"), "{missing}");
    }
}
