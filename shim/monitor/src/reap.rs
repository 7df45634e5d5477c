//! SIGCHLD: every child that has ended finds its owner.
use sys::{
    pidfd::{self, Exit},
    signal,
};

use crate::{event::Id, handshake::Handshake, monitor::Monitor, report};

impl Monitor {
    pub(crate) fn on_signals(&mut self) {
        signal::drain(&self.signals);
        loop {
            match pidfd::reap_any() {
                Ok(Some((pid, exit))) => self.on_reaped(pid, exit),
                Ok(None) => return,
                Err(error) => return report::line(&error.to_string()),
            }
        }
    }

    fn on_reaped(&mut self, pid: i32, exit: Exit) {
        // A reaped container keeps its number in memory; only a running one can be meant.
        let container =
            self.containers.iter().find(|(_, container)| container.is_running() && container.pid == pid);
        if let Some(number) = container.map(|(number, _)| *number) {
            return self.on_container_exit(number, exit);
        }
        let exec = self.execs.iter().find(|(_, exec)| exec.pid == pid);
        if let Some(number) = exec.map(|(number, _)| *number) {
            return self.on_exec_exit(number, exit);
        }
        if self.handshakes.values_mut().any(|handshake| handshake.note_exit(pid, exit)) {
            return;
        }
        if self.pod.pause.as_ref().is_some_and(|pause| pause.pid == pid) {
            return self.pod.pause = None;
        }
        // Perhaps a second child whose number the first has not told yet; else somebody's orphan.
        if self.handshakes.values().any(Handshake::awaits_second) {
            self.unclaimed.push((pid, exit));
        }
    }

    /// Number of the container with this id, if it is running.
    pub(crate) fn running(&self, container_id: &str) -> crate::failure::Result<Id> {
        use crate::failure::failed;
        let found = self.containers.iter().find(|(_, container)| container.id == container_id);
        let (number, container) =
            found.ok_or_else(|| failed("no-such-container", container_id, sys::Errno::ENOENT))?;
        if !container.is_running() {
            return Err(failed("not-running", container_id, sys::Errno::ESRCH));
        }
        Ok(*number)
    }
}
