//! The daemon's handle on one pod's monitor.
use std::os::fd::{AsFd, OwnedFd};

use proto::monitor as wire;

use crate::{
    error::{Error, Kind, Result},
    ids::PodId,
};

pub(crate) mod client;
pub(crate) mod hold;
pub(crate) mod launch;
pub(crate) mod watch;

use client::{Answer, Connection};

/// A monitor that is (or was) alive. Each request is a connection of its own, so a slow one delays no other.
#[derive(Debug)]
pub(crate) struct Monitor {
    pod: PodId,
    /// The pod's run directory: its socket is reached through this, whatever the path's length.
    dir: OwnedFd,
    pid: i32,
    pidfd: OwnedFd,
}

const SIGKILL: i32 = 9;

/// How long a monitor may take to end itself and its pod before it is killed.
const SHUTDOWN: std::time::Duration = std::time::Duration::from_secs(10);

impl Monitor {
    pub(crate) fn new(pod: PodId, dir: OwnedFd, pid: i32, pidfd: OwnedFd) -> Self {
        Self { pod, dir, pid, pidfd }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends one request, waits for its one reply.
    pub(crate) async fn call(&self, request: wire::request::Request, fds: &[OwnedFd]) -> Result<Answer> {
        let mut connection = self.open(request, fds).await?;
        connection.answer().await
    }

    /// Sends a request that is answered more than once.
    pub(crate) async fn open(&self, request: wire::request::Request, fds: &[OwnedFd]) -> Result<Connection> {
        let connection = Connection::connect(self.dir.as_fd()).map_err(|error| self.lost(error))?;
        connection
            .send(&wire::Request { request: Some(request) }, fds)
            .await
            .map_err(|error| self.lost(error))?;
        Ok(connection)
    }

    fn lost(&self, error: std::io::Error) -> Error {
        Error::caused(
            Kind::Unavailable,
            format!("pod sandbox {}: its monitor (pid {}) does not answer", self.pod, self.pid),
            error,
        )
    }

    /// Ends the pod's processes and the monitor; returns when it is gone.
    pub(crate) async fn shut_down(&self) -> Result<()> {
        let asked = self.call(wire::request::Request::Shutdown(wire::Shutdown {}), &[]).await;
        if asked.is_err() {
            // It may be gone already, or hang; either way nothing is lost by making sure.
            let _ = sys::pidfd::send_signal(&self.pidfd, SIGKILL);
        }
        let gone = client::readable(self.pidfd.as_fd());
        match tokio::time::timeout(SHUTDOWN, gone).await {
            Ok(outcome) => outcome.map_err(|error| self.lost(error))?,
            Err(_) => {
                let _ = sys::pidfd::send_signal(&self.pidfd, SIGKILL);
                client::readable(self.pidfd.as_fd()).await.map_err(|error| self.lost(error))?;
            }
        }
        // A child of ours until we take its status; of init's after a restart of the daemon, and then there is none to take.
        let _ = sys::pidfd::try_wait(&self.pidfd);
        Ok(())
    }

    /// Waits until the monitor's process has ended.
    pub(crate) async fn ended(&self) {
        let _ = client::readable(self.pidfd.as_fd()).await;
        let _ = sys::pidfd::try_wait(&self.pidfd);
    }
}
