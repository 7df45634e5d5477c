//! From the death of a container's first process to its exit record: kill the rest, read the rest, record, tell.
use std::time::Duration;

use sys::{pidfd::Exit, time};

use crate::{
    container::{Ending, Phase},
    event::{Id, Stream},
    exit, kill,
    monitor::Monitor,
    oom,
    output::Pumped,
    report,
};

/// How long somebody may hold a dead container's output open: a killed process needs a moment to die.
const DRAIN_NS: i64 = 500_000_000;
/// Reads of one stream at once: a pipe holds 16 of these at most (1 MiB, /proc/sys/fs/pipe-max-size).
const DRAIN_READS: usize = 32;

/// After so long without any event the big buffers are given back.
const QUIET: Duration = Duration::from_secs(5);

impl Monitor {
    /// A container's first process has been reaped.
    pub(crate) fn on_container_exit(&mut self, number: Id, exit: Exit) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        let ending = Ending {
            exit,
            finished_at_ns: time::realtime_ns(),
            // Before anybody is told, for then the cgroup may be removed.
            oom_killed: oom::killed(&container.cgroup_dirs),
            deadline_ns: time::monotonic_ns().saturating_add(DRAIN_NS),
        };
        container.hold = None;
        container.phase = Phase::Draining(ending);
        if !container.own_pids {
            kill::cgroup(&container.cgroup_dirs);
        }
        container.streams.stdin = None;
        container.streams.terminal_peer = None;
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.drain(number, stream);
        }
        self.finish_if_drained(number);
    }

    fn drain(&mut self, number: Id, stream: Stream) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        for _ in 0..DRAIN_READS {
            if container.streams.pump(stream, &mut self.buffers) != Pumped::More {
                return;
            }
        }
    }

    pub(crate) fn on_output(&mut self, number: Id, stream: Stream) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        if container.streams.pump(stream, &mut self.buffers) == Pumped::End {
            self.finish_if_drained(number);
        }
    }

    fn finish_if_drained(&mut self, number: Id) {
        let Some(container) = self.containers.get(&number) else { return };
        if let Phase::Draining(ending) = container.phase
            && container.streams.are_at_end()
        {
            self.finish(number, ending);
        }
    }

    /// Gives up waiting for those whose time is over.
    pub(crate) fn on_deadlines(&mut self) {
        let now = time::monotonic_ns();
        let late: Vec<(Id, Ending)> =
            self.draining().filter(|(_, ending)| ending.deadline_ns <= now).collect();
        for (number, ending) in late {
            for stream in [Stream::Stdout, Stream::Stderr] {
                self.drain(number, stream);
                if let Some(container) = self.containers.get_mut(&number) {
                    container.streams.end(stream, &mut self.buffers);
                }
            }
            self.finish(number, ending);
        }
    }

    /// Until something is to be done without an event; `None` when nothing is.
    pub(crate) fn until_deadline(&self) -> Option<Duration> {
        let next = self.draining().map(|(_, ending)| ending.deadline_ns).min();
        let drained = next.map(|deadline_ns| {
            let nanoseconds = deadline_ns.saturating_sub(time::monotonic_ns()).max(0);
            Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
        });
        let cooled = self.buffers.are_warm().then_some(QUIET);
        drained.into_iter().chain(cooled).min()
    }

    fn draining(&self) -> impl Iterator<Item = (Id, Ending)> + '_ {
        self.containers.iter().filter_map(|(number, container)| match container.phase {
            Phase::Draining(ending) => Some((*number, ending)),
            Phase::Running | Phase::Exited(_) => None,
        })
    }

    fn finish(&mut self, number: Id, ending: Ending) {
        let Some(container) = self.containers.get_mut(&number) else { return };
        let exited = exit::of(container, ending);
        // On a full disk berthd still learns it from the event, or from Watch later.
        if let Err(failed) = exit::write(&self.pod.exits, &exited) {
            report::failed(&exited.container_id, &failed);
        }
        container.streams.close();
        container.phase = Phase::Exited(exited);
        let event = container.event();
        self.broadcast(&event);
        self.go_on_with_shutdown();
    }
}
