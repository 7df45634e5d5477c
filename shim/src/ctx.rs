//! What an operation is given: the handles of the daemon, passed and never global.
use std::{os::fd::OwnedFd, sync::Arc};

use crate::{
    config::Config, error::Result, events::Events, layout::Layout, network::Network, steps::Steps,
    store::Store,
};

/// Shared by every operation. Cheap to clone as an `Arc`.
#[derive(Debug)]
pub(crate) struct Ctx {
    pub(crate) config: Config,
    pub(crate) layout: Layout,
    pub(crate) store: Store,
    pub(crate) images: imagestore::Store,
    pub(crate) network: Network,
    pub(crate) cgroups: cgroup::Manager,
    pub(crate) steps: Steps,
    pub(crate) events: Events,
    pub(crate) node: spec::NodeFacts,
    pub(crate) policy: spec::Policy,
    pub(crate) host: spec::LiveHost,
    /// Compiled seccomp programs.
    pub(crate) filters: spec::Cache,
    /// Sealed copy of the monitor's program: replacing or deleting the file changes nothing for pods of this daemon.
    pub(crate) monitor_program: OwnedFd,
    /// Differs after every boot: tells records of this boot from those whose kernel objects are gone.
    pub(crate) boot_id: String,
    pub(crate) streaming: Arc<streaming::Server>,
}

impl Ctx {
    /// The node as it is now: it may have been renamed since the daemon began.
    pub(crate) fn node_now(&self) -> spec::NodeFacts {
        spec::NodeFacts { hostname: sys::proc_table::hostname(), ..self.node.clone() }
    }

    /// The cgroup of a pod for which nobody names one.
    pub(crate) fn own_cgroup(&self, pod: &str) -> Result<String> {
        Ok(self.cgroups.driver().own(&format!("{}/{pod}", self.config.cgroup_root))?)
    }
}

/// CLOCK_REALTIME in nanoseconds, as CRI counts time.
pub(crate) fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
