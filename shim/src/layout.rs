//! Every path the daemon makes, as functions of ids, and its private directories. Nothing else joins path components.
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{
    error::{IoContext, Result},
    ids::{ContainerId, PodId},
};

/// Where Berth keeps what survives a reboot (`root`) and what must not (`run`).
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    run: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf, run: PathBuf) -> Self {
        Self { root, run }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn run(&self) -> &Path {
        &self.run
    }

    pub(crate) fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    pub(crate) fn pods(&self) -> PathBuf {
        self.root.join("pods")
    }

    pub(crate) fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// A directory that stays empty: what is stacked below the only layer of an image volume.
    pub(crate) fn empty(&self) -> PathBuf {
        self.root.join("empty")
    }

    /// Records that did not read back, kept for a person to look at.
    pub(crate) fn damaged(&self) -> PathBuf {
        self.root.join("damaged")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.run.join("berthd.lock")
    }

    pub(crate) fn pod(&self, id: &PodId) -> PathBuf {
        self.pods().join(id.as_str())
    }

    pub(crate) fn pod_record(&self, id: &PodId) -> PathBuf {
        self.pod(id).join("record")
    }

    pub(crate) fn pod_exits(&self, id: &PodId) -> PathBuf {
        self.pod(id).join("exits")
    }

    /// What the monitor writes when a container's program has ended.
    pub(crate) fn exit_record(&self, pod: &PodId, container: &ContainerId) -> PathBuf {
        self.pod_exits(pod).join(container.as_str())
    }

    pub(crate) fn pod_hosts(&self, id: &PodId) -> PathBuf {
        self.pod(id).join("hosts")
    }

    pub(crate) fn pod_resolv_conf(&self, id: &PodId) -> PathBuf {
        self.pod(id).join("resolv.conf")
    }

    pub(crate) fn pod_hostname(&self, id: &PodId) -> PathBuf {
        self.pod(id).join("hostname")
    }

    pub(crate) fn run_pods(&self) -> PathBuf {
        self.run.join("pods")
    }

    pub(crate) fn pod_run(&self, id: &PodId) -> PathBuf {
        self.run_pods().join(id.as_str())
    }

    /// Names the pod's /dev/shm in OCI specs; nothing is ever there, for the monitor holds it in a namespace of its own.
    pub(crate) fn pod_shm(&self, id: &PodId) -> PathBuf {
        self.pod_run(id).join("shm")
    }

    pub(crate) fn container(&self, id: &ContainerId) -> PathBuf {
        self.containers().join(id.as_str())
    }

    pub(crate) fn container_record(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("record")
    }

    /// The encoded LaunchPlan: what the monitor is told at start, and where exec finds the process's attributes.
    pub(crate) fn container_plan(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("plan")
    }

    /// The OCI runtime specification the plan was made from, shown by verbose status.
    pub(crate) fn container_spec(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("config.json")
    }

    pub(crate) fn container_upper(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("upper")
    }

    pub(crate) fn container_work(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("work")
    }

    /// The image's VOLUMEs, as directories of the container's own.
    pub(crate) fn container_volumes(&self, id: &ContainerId) -> PathBuf {
        self.container(id).join("volumes")
    }

    pub(crate) fn container_volume(&self, id: &ContainerId, number: usize) -> PathBuf {
        self.container_volumes(id).join(number.to_string())
    }

    /// Where CNI results are kept for DEL.
    pub(crate) fn cni_cache(&self) -> PathBuf {
        self.root.join("cni")
    }
}

/// Makes a directory that only root may enter; one that is there already is an error.
pub(crate) fn private_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path).doing(|| format!("make {}", path.display()))
}

/// The control socket's name inside a pod's run directory; reached through a directory descriptor, for the whole path
/// would not fit into `sockaddr_un`.
pub(crate) const MONITOR_SOCKET: &str = "monitor.sock";
/// The monitor's standard error.
pub(crate) const MONITOR_LOG: &str = "monitor.log";
