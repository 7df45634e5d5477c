//! The private berthd: started, killed, stopped.

use std::{
    ffi::CString,
    fs::{self, File, OpenOptions},
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::Path,
    time::{Duration, Instant},
};

use proto::cri::StatusRequest;
use sys::{
    pidfd::{self, Exit},
    process::{Child, Executable, SpawnArgs},
    signal::{SIGKILL, SIGTERM},
};
use tokio::time;

use super::place::Place;
use crate::{
    client::{self, Client},
    failure::{Doing, Failure, Result},
};

/// How long a daemon may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(1);
/// Of what it said, when it failed.
const LAST_WORDS: usize = 5;

/// A running berthd.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts the daemon; it is not ready yet.
    pub(super) fn start(place: &Place) -> Result<Self> {
        Self::spawn(place).doing(format_args!("start {}", place.berthd.display()))
    }

    /// Waits until the daemon serves; gives a client for it.
    pub(super) async fn ready(&self, place: &Place) -> Result<Client> {
        let begun = Instant::now();
        loop {
            if let Ok(client) = ready(place).await {
                return Ok(client);
            }
            if let Some(exit) = pidfd::peek(&self.child.pidfd)? {
                return Err(Failure::new(format!("berthd ended at once ({exit:?})\n{}", last_words(place)))
                    .or_try("what it says above; `berthd --print-config` shows what it would use"));
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "berthd is not ready after {PATIENCE:?}\n{}",
                    last_words(place)
                )));
            }
            time::sleep(PAUSE).await;
        }
    }

    fn spawn(place: &Place) -> Result<Self> {
        let text = |path: &Path| {
            CString::new(path.as_os_str().as_bytes()).map_err(|_| Failure::new("NUL in a path"))
        };
        let word = |word: &str| CString::new(word).map_err(|_| Failure::new("NUL in a word"));
        let program = text(&place.berthd)?;
        let mut argv = vec![word("berthd")?];
        for (option, path) in
            [("--root", &place.root), ("--run-dir", &place.run_dir), ("--socket", &place.socket)]
        {
            argv.extend([word(option)?, text(path)?]);
        }
        let cgroup = format!("/{}", place.cgroup);
        for (option, value) in [
            ("--bridge", place.bridge.as_str()),
            ("--subnet", &place.subnet),
            ("--nft-table", &place.nft_table),
            ("--cgroup-root", &cgroup),
            // Configurations of this machine are not ours to use.
            ("--cni-conf-dir", "/dev/null/none"),
            ("--log-level", "warn"),
        ] {
            argv.extend([word(option)?, word(value)?]);
        }
        argv.push(word("--remove-node-state-on-exit")?);
        let log = OpenOptions::new().create(true).append(true).open(&place.daemon_log)?;
        let null = File::open("/dev/null")?;
        let child = sys::process::spawn(&SpawnArgs {
            executable: Executable::Path(&program),
            argv: &argv.iter().map(CString::as_c_str).collect::<Vec<_>>(),
            env: &[],
            fds: &[(null.as_fd(), 0), (log.as_fd(), 1), (log.as_fd(), 2)],
            // Ctrl-C is for us; the daemon is ended by us.
            setsid: true,
        })?;
        Ok(Self { child })
    }

    /// Whether it runs no more.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(pidfd::peek(&self.child.pidfd), Ok(None))
    }

    pub(super) fn pid(&self) -> i32 {
        self.child.pid
    }

    /// `kill -9`, and waits until it is dead.
    pub(super) async fn kill(&self) -> Result {
        pidfd::send_signal(&self.child.pidfd, SIGKILL).doing("kill berthd")?;
        self.ended().await.map(drop)
    }

    /// Asks it to end in order, and waits until it has; a daemon that does not is killed. One that has ended is fine.
    pub(super) async fn stop(&self, place: &Place) -> Result {
        pidfd::send_signal(&self.child.pidfd, SIGTERM).doing("stop berthd")?;
        match self.ended().await {
            Ok(Exit::Code(0)) => Ok(()),
            Ok(exit) => Err(Failure::new(format!("berthd ended with {exit:?}\n{}", last_words(place)))),
            Err(failure) => self.kill().await.and(Err(failure)),
        }
    }

    /// How it ended.
    async fn ended(&self) -> Result<Exit> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            // Not reaped before this value is dropped: its pid must not be reused while we hold it.
            if let Some(exit) = pidfd::peek(&self.child.pidfd)? {
                return Ok(exit);
            }
            time::sleep(PAUSE).await;
        }
        Err(Failure::new(format!("berthd has not ended after {PATIENCE:?}")))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that still runs is somebody else's to end.
        let _ = pidfd::try_wait(&self.child.pidfd);
    }
}

/// A client, once runtime and network are ready.
async fn ready(place: &Place) -> Result<Client> {
    let mut client = client::connect(&place.socket).await?;
    let status = client.runtime.status(StatusRequest { verbose: false }).await?.into_inner().status;
    let conditions = status.unwrap_or_default().conditions;
    match conditions.iter().find(|condition| !condition.status) {
        None if !conditions.is_empty() => Ok(client),
        _ => Err(Failure::new("not ready")),
    }
}

fn last_words(place: &Place) -> String {
    let log = fs::read(&place.daemon_log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<_> = log.lines().rev().take(LAST_WORDS).collect();
    lines.into_iter().rev().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
