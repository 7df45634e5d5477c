//! The command line: where Kubernetes is, and which scenarios to run.

use std::path::{Path, PathBuf};

use clap::Parser;
use harness::{Failure, Result};

use crate::scenarios::Scenario;

/// Starts etcd, a control plane and kubelet on a private berthd, runs scenarios, and leaves nothing behind. The last line
/// says `N passed, M failed, K skipped`.
#[derive(Debug, Parser)]
#[command(bin_name = "tests/kubelet/run", disable_version_flag = true)]
pub(crate) struct Args {
    /// kubelet, 1.34 or newer
    #[arg(long, value_name = "PATH")]
    kubelet: Option<PathBuf>,
    /// kube-apiserver of the same version
    #[arg(long, value_name = "PATH")]
    kube_apiserver: Option<PathBuf>,
    /// kube-controller-manager of the same version
    #[arg(long, value_name = "PATH")]
    kube_controller_manager: Option<PathBuf>,
    /// kube-scheduler of the same version
    #[arg(long, value_name = "PATH")]
    kube_scheduler: Option<PathBuf>,
    /// etcd [default: that of Debian's etcd-server]
    #[arg(long, value_name = "PATH")]
    pub(crate) etcd: Option<PathBuf>,
    /// kubectl; scenarios that are about it are skipped without
    #[arg(long, value_name = "PATH")]
    pub(crate) kubectl: Option<PathBuf>,
    /// Which to run [default: all but slow ones]
    #[arg(value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<Scenario>,
    /// Run the whole list so often, one after the other, on the same node
    #[arg(long, default_value_t = 1)]
    pub(crate) times: u32,
    /// Where logs of the run go [default: target/kubelet]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Optimised binaries
    #[arg(long)]
    pub(crate) release: bool,
    /// The binaries that are there, however old
    #[arg(long)]
    pub(crate) no_build: bool,
}

/// The programs of Kubernetes nothing goes without.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) kubelet: PathBuf,
    pub(crate) apiserver: PathBuf,
    pub(crate) controllers: PathBuf,
    pub(crate) scheduler: PathBuf,
}

impl Args {
    /// The programs, or the options that are missing.
    ///
    /// # Errors
    /// When one that was given is not there.
    pub(crate) fn programs(&self) -> Result<std::result::Result<Programs, String>> {
        let given = [
            ("--kubelet", &self.kubelet),
            ("--kube-apiserver", &self.kube_apiserver),
            ("--kube-controller-manager", &self.kube_controller_manager),
            ("--kube-scheduler", &self.kube_scheduler),
        ];
        let missing: Vec<_> =
            given.iter().filter(|(_, path)| path.is_none()).map(|(name, _)| *name).collect();
        let [Some(kubelet), Some(apiserver), Some(controllers), Some(scheduler)] =
            given.map(|(_, path)| path.clone())
        else {
            return Ok(Err(missing.join(", ")));
        };
        for path in [&kubelet, &apiserver, &controllers, &scheduler]
            .into_iter()
            .chain(&self.etcd)
            .chain(&self.kubectl)
        {
            exists(path)?;
        }
        Ok(Ok(Programs { kubelet, apiserver, controllers, scheduler }))
    }
}

fn exists(path: &Path) -> Result {
    if path.is_file() {
        return Ok(());
    }
    Err(Failure::new(format!("{} is no file", path.display())))
}
