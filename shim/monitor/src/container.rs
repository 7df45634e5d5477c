//! What the monitor knows of one container, from its start to `Forget`.
use std::os::fd::OwnedFd;

use proto::monitor::{Event, Exited, Started};
use sys::pidfd::Exit;

use crate::streams::Streams;

/// ```text
///   Running ──first process reaped──► Draining ──output read to its end, or deadline──► Exited
/// ```
/// Each is written from an observation. Before Running there is only a `Handshake`.
#[derive(Debug)]
pub(crate) enum Phase {
    Running,
    Draining(Ending),
    /// As it stands in the exit record.
    Exited(Exited),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) exit: Exit,
    pub(crate) finished_at_ns: i64,
    pub(crate) oom_killed: bool,
    /// CLOCK_MONOTONIC; somebody may hold the output open for ever.
    pub(crate) deadline_ns: i64,
}

#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
    /// CLOCK_REALTIME.
    pub(crate) started_at_ns: i64,
    pub(crate) phase: Phase,
    /// Its first process is process 1 of a PID namespace: everything in it dies with it.
    pub(crate) own_pids: bool,
    pub(crate) cgroup_dirs: Vec<String>,
    pub(crate) streams: Streams,
    /// Open until the cgroup's files have been read for the last time: it keeps systemd from taking them away.
    pub(crate) hold: Option<OwnedFd>,
}

impl Container {
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    pub(crate) fn started(&self) -> Started {
        Started { pid: self.pid, started_at_ns: self.started_at_ns }
    }

    /// The event that tells a watcher all there is to know.
    pub(crate) fn event(&self) -> Event {
        let exited = match &self.phase {
            Phase::Exited(exited) => Some(exited.clone()),
            Phase::Running | Phase::Draining(_) => None,
        };
        Event { container_id: self.id.clone(), started: Some(self.started()), exited, synced: false }
    }
}
