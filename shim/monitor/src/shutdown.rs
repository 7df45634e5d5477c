//! Shutdown: everything in the pod ends, is recorded, and then the monitor does.
use proto::monitor::{Done, Reply, reply};
use sys::{pidfd, signal::SIGKILL};

use crate::{container::Phase, event::Id, kill, monitor::Monitor};

impl Monitor {
    /// The answer follows when the last exit record is written. A process that cannot die (an unreachable
    /// network disk) delays it; everything else is served meanwhile.
    pub(crate) fn shut_down(&mut self, connection: Id) {
        self.shutdown.get_or_insert_default().push(connection);
        for handshake in self.handshakes.values() {
            handshake.kill();
        }
        for container in self.containers.values().filter(|container| container.is_running()) {
            kill::container(container);
        }
        self.go_on_with_shutdown();
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_some()
    }

    /// Called whenever something has ended.
    pub(crate) fn go_on_with_shutdown(&mut self) {
        let all_ended = self.handshakes.is_empty()
            && self.containers.values().all(|container| matches!(container.phase, Phase::Exited(_)));
        if !all_ended {
            return;
        }
        let Some(waiting) = self.shutdown.as_mut().map(std::mem::take) else { return };
        if let Some(pause) = self.pod.pause.take() {
            pidfd::send_signal(&pause.pidfd, SIGKILL).ok();
            pidfd::wait(&pause.pidfd).ok();
        }
        for connection in waiting {
            self.reply(connection, &Reply { reply: Some(reply::Reply::Done(Done {})) }, &[]);
        }
        self.finished = true;
    }
}
