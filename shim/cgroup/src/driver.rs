//! Who makes control groups: Berth by itself, or systemd for it; and what they are called then.
use crate::{
    error::{Error, Result},
    layout::Layout,
    name, systemd,
};

/// The cgroup driver; kubelet must have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Directories, made by Berth.
    Cgroupfs,
    /// Slices and transient scopes of systemd.
    Systemd,
}

impl Driver {
    pub(crate) fn check(self, layout: &Layout) -> Result<()> {
        let refuse = |why| Err(Error::Driver { driver: "systemd", why });
        match self {
            Self::Systemd if !systemd::is_running() => {
                refuse("systemd does not run on this node; set cgroup_driver to \"cgroupfs\"")
            }
            // Where v1 has the controllers systemd knows a scope by a hierarchy of its own, which no container joins.
            Self::Systemd if !layout.is_v2() => refuse(
                "this node has cgroup v1; boot it with cgroup v2 alone or set cgroup_driver to \"cgroupfs\"",
            ),
            Self::Systemd if !systemd::answers() => {
                refuse("systemd does not answer on the system bus; install and start dbus")
            }
            Self::Systemd | Self::Cgroupfs => Ok(()),
        }
    }

    /// The path of the group that kubelet names for a pod.
    ///
    /// # Errors
    /// A name that this driver cannot have.
    pub fn parent(self, asked: &str) -> Result<String> {
        match self {
            Self::Cgroupfs => Ok(asked.to_owned()),
            Self::Systemd => systemd::slice(asked),
        }
    }

    /// The path of a group of Berth's own, which settings name by a plain path.
    ///
    /// # Errors
    /// A name that this driver cannot have.
    pub fn own(self, path: &str) -> Result<String> {
        match self {
            Self::Cgroupfs => name::relative(path).map(|_| path.to_owned()),
            Self::Systemd => systemd::slice_of_path(path),
        }
    }

    /// The path of a container's group.
    pub fn container(self, parent: &str, id: &str) -> String {
        let parent = parent.trim_end_matches('/');
        match self {
            Self::Cgroupfs => format!("{parent}/{id}"),
            Self::Systemd => format!("{parent}/{}", systemd::scope(id)),
        }
    }

    /// Whether the group at this path is a scope, which a process must be given to.
    pub fn is_scope(path: &str) -> bool {
        systemd::unit(path).is_some_and(|unit| unit.ends_with(".scope"))
    }
}
