//! What a pod sandbox is.
//!
//! ```text
//!   CREATING ──run: every step done──► READY ──stop, or its monitor is lost──► STOPPED ──remove──► (gone)
//!      │ a step failed, everything taken away ─────────────────────────────────────────────────► (gone)
//!      └ a step failed, something would not go ──────────────────────────────► STOPPED
//! ```
//! CREATING is never shown to a client.
use std::sync::{Arc, Mutex, PoisonError};

use proto::{cri, record};

use crate::{
    blocking,
    cpu_rate::CpuRate,
    ctx::Ctx,
    driver::Driver,
    error::{Error, Result},
    ids::PodId,
    monitor::Monitor,
    records,
    store::Snapshot,
};

pub(crate) mod files;
pub(crate) mod interfaces;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod port_forward;
pub(crate) mod remove;
pub(crate) mod run;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod teardown;
pub(crate) mod update;

#[derive(Debug)]
pub(crate) struct Pod {
    id: PodId,
    record: Snapshot<record::Pod>,
    pub(crate) driver: Driver,
    monitor: Mutex<Option<Arc<Monitor>>>,
    pub(crate) cpu_rate: CpuRate,
}

impl Pod {
    pub(crate) fn new(id: PodId, record: record::Pod) -> Self {
        Self {
            id,
            record: Snapshot::new(record),
            driver: Driver::default(),
            monitor: Mutex::new(None),
            cpu_rate: CpuRate::default(),
        }
    }

    pub(crate) fn id(&self) -> &PodId {
        &self.id
    }

    pub(crate) fn record(&self) -> Arc<record::Pod> {
        self.record.get()
    }

    pub(crate) fn state(&self) -> record::State {
        self.record.get().state()
    }

    /// Changes the record, on disk first. Blocks.
    pub(crate) fn update(&self, cx: &Ctx, change: impl FnOnce(&mut record::Pod)) -> Result<Arc<record::Pod>> {
        self.record.update(change, |record| records::write(&cx.layout.pod_record(&self.id), record))
    }

    /// `update` from the async lane.
    pub(crate) async fn save(
        self: &Arc<Self>,
        cx: &Arc<Ctx>,
        change: impl FnOnce(&mut record::Pod) + Send + 'static,
    ) -> Result<Arc<record::Pod>> {
        let (cx, pod) = (cx.clone(), self.clone());
        blocking::run("write a pod's record", move || pod.update(&cx, change)).await
    }

    /// Changes the record in memory alone: for a pod whose record on disk is already gone.
    pub(crate) fn mark(&self, state: record::State) {
        let _ = self.record.update(|record| record.set_state(state), |_| Ok(()));
    }

    /// The name kubelet reserves: no two live sandboxes share it.
    pub(crate) fn reserved_name(&self) -> String {
        let record = self.record();
        reserved_name(record.config.as_ref().and_then(|config| config.metadata.as_ref()))
    }

    pub(crate) fn config(&self) -> cri::PodSandboxConfig {
        self.record().config.clone().unwrap_or_default()
    }

    pub(crate) fn adopt_monitor(&self, monitor: Arc<Monitor>) {
        *self.monitor.lock().unwrap_or_else(PoisonError::into_inner) = Some(monitor);
    }

    pub(crate) fn take_monitor(&self) -> Option<Arc<Monitor>> {
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn monitor_if_alive(&self) -> Option<Arc<Monitor>> {
        self.monitor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The monitor, or an error that says the sandbox no longer runs.
    pub(crate) fn monitor(&self) -> Result<Arc<Monitor>> {
        self.monitor_if_alive().ok_or_else(|| {
            Error::wrong_state(format!("pod sandbox {}: it is not running; create a new one", self.id))
        })
    }

    /// Fails unless containers may be made in this sandbox.
    pub(crate) fn require_ready(&self) -> Result<()> {
        match self.state() {
            record::State::Ready => Ok(()),
            state => Err(Error::wrong_state(format!(
                "pod sandbox {}: it is {}, not ready; run a new sandbox",
                self.id,
                state.as_str_name()
            ))),
        }
    }
}

fn reserved_name(metadata: Option<&cri::PodSandboxMetadata>) -> String {
    metadata.map_or_else(String::new, |m| format!("{}_{}_{}_{}", m.name, m.namespace, m.uid, m.attempt))
}

/// Which namespaces the pod shares with the host, read from its configuration.
pub(crate) fn namespace_options(config: &cri::PodSandboxConfig) -> cri::NamespaceOption {
    config
        .linux
        .as_ref()
        .and_then(|linux| linux.security_context.as_ref())
        .and_then(|security| security.namespace_options.clone())
        .unwrap_or_default()
}
