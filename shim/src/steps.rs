//! The registered steps of every verb, and the place where a test makes one fail or kills the daemon.
//!
//! `cx.steps.reach(Step::…)` stands before the effect it names. In release builds it does nothing. In debug builds
//! `BERTH_FAULT=fail:NAME` fails and `BERTH_FAULT=kill:NAME` raises SIGKILL at the first arrival there, and
//! `berthd --print-steps` lists the names, so that the sweep covers a step the day it is written.
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Kind, Result};

macro_rules! steps {
    ($($step:ident = $name:literal),+ $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Step { $($step),+ }

        impl Step {
            const ALL: &'static [(Step, &'static str)] = &[$((Step::$step, $name)),+];

            fn name(self) -> &'static str {
                match self { $(Step::$step => $name),+ }
            }
        }
    };
}

steps! {
    RunReserve = "run.reserve",
    RunMonitor = "run.monitor",
    RunNetwork = "run.network",
    RunFiles = "run.files",
    RunCommit = "run.commit",
    CreateReserve = "create.reserve",
    CreateTree = "create.tree",
    CreateVolumes = "create.volumes",
    CreatePlan = "create.plan",
    CreateCommit = "create.commit",
    StartCgroup = "start.cgroup",
    StartLaunch = "start.launch",
    StartCommit = "start.commit",
    UpdateLimits = "update.limits",
    UpdateCommit = "update.commit",
    StopSignal = "stop.signal",
    StopWait = "stop.wait",
    RemoveKill = "remove.kill",
    RemoveCgroup = "remove.cgroup",
    RemoveTree = "remove.tree",
    StopPodContainers = "stop-pod.containers",
    StopPodNetwork = "stop-pod.network",
    StopPodMonitor = "stop-pod.monitor",
    StopPodCommit = "stop-pod.commit",
    RemovePodContainers = "remove-pod.containers",
    RemovePodTree = "remove-pod.tree",
}

#[derive(Debug)]
enum Fault {
    Fail(String),
    Kill(String),
}

/// Knows which step, if any, is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    fault: Option<Fault>,
    spent: AtomicBool,
}

impl Steps {
    /// Parses `fail:NAME` or `kill:NAME`; only debug builds listen.
    pub(crate) fn with_fault(text: Option<&str>) -> Self {
        if !cfg!(debug_assertions) {
            return Self::default();
        }
        let fault = text.and_then(|text| match text.split_once(':') {
            Some(("fail", name)) => Some(Fault::Fail(name.to_owned())),
            Some(("kill", name)) => Some(Fault::Kill(name.to_owned())),
            _ => None,
        });
        Self { fault, spent: AtomicBool::new(false) }
    }

    pub(crate) fn reach(&self, step: Step) -> Result<()> {
        self.reach_named(step.name())
    }

    /// For steps of crates below, which know no `Step`.
    pub(crate) fn reach_named(&self, name: &str) -> Result<()> {
        match &self.fault {
            Some(Fault::Fail(at)) if at == name && !self.spent.swap(true, Ordering::AcqRel) => {
                Err(Error::new(Kind::Unavailable, format!("step {name}: failed on purpose by BERTH_FAULT")))
            }
            Some(Fault::Kill(at)) if at == name => {
                // SIGKILL, not abort: nothing of ours may run on the way out, as in a real crash.
                let _ = sys::host_path::kill_self();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Every registered name, ours and those of the image store.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Step::ALL.iter().map(|(_, name)| *name).chain(imagestore::STEPS.iter().copied())
    }
}
