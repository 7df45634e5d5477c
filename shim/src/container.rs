//! What a container is.
//!
//! ```text
//!   CREATING ──create──► READY ──start──► RUNNING ──its program ends──► STOPPED ──remove──► (gone)
//!      │ failed            │ start failed ─────────────────────────────► STOPPED (StartError)
//!      └► (gone)           └ remove ──► (gone)
//! ```
//! CREATING is never shown to a client. STOPPED is written from the monitor's exit record, never from an intention.
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::runtime::LinuxResources;
use proto::{cri, record};
use tokio::{sync::watch, time::Instant};

use crate::{
    blocking,
    cpu_rate::CpuRate,
    ctx::Ctx,
    driver::Driver,
    error::{Error, Result},
    events::{self, What},
    ids::{ContainerId, PodId},
    records,
    store::{KUBERNETES, Snapshot},
};

pub(crate) mod attach;
mod control_group;
pub(crate) mod create;
pub(crate) mod exec;
pub(crate) mod exec_sync;
pub(crate) mod exited;
pub(crate) mod layer;
pub(crate) mod list;
pub(crate) mod log;
mod oom;
pub(crate) mod remove;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod update;

#[derive(Debug)]
pub(crate) struct Container {
    id: ContainerId,
    pod: PodId,
    record: Snapshot<record::Container>,
    pub(crate) driver: Driver,
    /// When a stop under way turns to SIGKILL. A second, more impatient stop moves it forward.
    kill_at: watch::Sender<Option<Instant>>,
    layer: layer::Counted,
    /// The cgroup limits in force; empty after a restart of the daemon until somebody asks.
    limits: Mutex<Option<LinuxResources>>,
    pub(crate) cpu_rate: CpuRate,
}

impl Container {
    pub(crate) fn new(id: ContainerId, pod: PodId, record: record::Container) -> Self {
        Self {
            id,
            pod,
            record: Snapshot::new(record),
            driver: Driver::default(),
            kill_at: watch::Sender::new(None),
            layer: layer::Counted::default(),
            limits: Mutex::new(None),
            cpu_rate: CpuRate::default(),
        }
    }

    pub(crate) fn id(&self) -> &ContainerId {
        &self.id
    }

    pub(crate) fn pod_id(&self) -> &PodId {
        &self.pod
    }

    pub(crate) fn record(&self) -> Arc<record::Container> {
        self.record.get()
    }

    pub(crate) fn state(&self) -> record::State {
        self.record.get().state()
    }

    /// Changes the record, on disk first. Blocks.
    pub(crate) fn update(
        &self,
        cx: &Ctx,
        change: impl FnOnce(&mut record::Container),
    ) -> Result<Arc<record::Container>> {
        self.record.update(change, |record| records::write(&cx.layout.container_record(&self.id), record))
    }

    /// Changes the state and tells listeners, in one: nobody hears of a later change first. `change` says whether there is
    /// anything to change; what it sees happened, so it holds even if the disk refuses. Says whether it did.
    pub(crate) async fn transition(
        self: &Arc<Self>,
        cx: &Arc<Ctx>,
        what: What,
        change: impl FnOnce(&mut record::Container) -> bool + Send + 'static,
    ) -> Result<bool> {
        let (cx, container) = (cx.clone(), self.clone());
        blocking::run("change a container's state", move || {
            let save = |record: &record::Container| {
                let saved = records::write(&cx.layout.container_record(&container.id), record);
                if let Err(error) = saved {
                    // Its monitor knows as much, and tells the next daemon.
                    tracing::warn!(container = %container.id, error = error.chain(), "a change of state could not be recorded; kept in memory");
                }
            };
            let tell = || events::send(&cx, what, container.id.as_str(), &container.pod);
            Ok(container.record.transition(change, save, tell))
        })
        .await
    }

    /// Changes the record in memory alone: when the disk refuses, or the record is already gone.
    pub(crate) fn mark(&self, change: impl FnOnce(&mut record::Container)) {
        let _ = self.record.update(change, |_| Ok(()));
    }

    pub(crate) async fn wait_until_not_running(&self) {
        self.record.wait_for(|record| record.state() != record::State::Running).await;
    }

    /// The name kubelet reserves within the pod.
    pub(crate) fn reserved_name(&self) -> String {
        let record = self.record();
        let metadata = record.config.as_ref().and_then(|config| config.metadata.clone()).unwrap_or_default();
        format!("{}_{}_{}", self.pod, metadata.name, metadata.attempt)
    }

    pub(crate) fn config(&self) -> cri::ContainerConfig {
        self.record().config.clone().unwrap_or_default()
    }

    /// False for containers of other front doors and containers being made.
    pub(crate) fn is_visible(&self) -> bool {
        visible(&self.record())
    }

    pub(crate) fn kill_at(&self) -> &watch::Sender<Option<Instant>> {
        &self.kill_at
    }

    pub(crate) fn limits(&self) -> Option<LinuxResources> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_limits(&self, limits: LinuxResources) {
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = Some(limits);
    }

    /// Fails unless the container's program runs.
    pub(crate) fn require_running(&self) -> Result<()> {
        match self.state() {
            record::State::Running => Ok(()),
            state => Err(Error::wrong_state(format!(
                "container {}: it is {}, not running",
                self.id,
                status::cri_state(state).as_str_name()
            ))),
        }
    }
}

/// Whether a CRI client may see the container.
pub(crate) fn visible(record: &record::Container) -> bool {
    record.owner == KUBERNETES
        && matches!(record.state(), record::State::Ready | record::State::Running | record::State::Stopped)
}
