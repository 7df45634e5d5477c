//! A private berthd: started, stopped, killed and started again on the names of one slot.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

use crate::{Client, Doing, Failure, Result, Slot, binary, program, until};

/// A debug build on a busy or an emulated machine takes its time to come up, above all when it has pods to adopt.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(60);
const SIGTERM: i32 = 15;

/// How a daemon differs from the usual private one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Prefix length of the pods' subnet.
    pub prefix: u8,
    /// Hosts directory (`<host>/hosts.toml`) for pulls; none by default.
    pub certs_dir: Option<PathBuf>,
    /// CNI configuration and plugins; none by default, so the built-in bridge serves.
    pub cni: Option<(PathBuf, PathBuf)>,
    /// Whether a clean end takes bridge and table away, as it must for the last daemon of a test.
    pub remove_node_state: bool,
    /// Environment variables it has besides this process's.
    pub env: Vec<(String, String)>,
    /// `fail:STEP` or `kill:STEP`, for the first arrival at that step.
    pub fault: Option<String>,
    /// More arguments.
    pub arguments: Vec<OsString>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: 24,
            certs_dir: None,
            cni: None,
            remove_node_state: true,
            env: Vec::new(),
            fault: None,
            arguments: Vec::new(),
        }
    }
}

/// A running (or stopped) berthd.
#[derive(Debug)]
pub struct Daemon {
    child: Option<Child>,
    log: PathBuf,
}

impl Daemon {
    /// Starts berthd and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer in time; the text has its last words.
    pub async fn start(slot: &Slot, options: &Options) -> Result<Self> {
        let mut daemon = Self::spawn(slot, options)?;
        daemon.wait_until_serving(slot).await?;
        Ok(daemon)
    }

    /// Starts berthd and does not wait: it may be about to kill itself.
    ///
    /// # Errors
    /// When it cannot be executed.
    pub fn spawn(slot: &Slot, options: &Options) -> Result<Self> {
        let log = slot.dir().join("berthd.log");
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .doing(|| format!("open {}", log.display()))?;
        let empty = slot.dir().join("empty");
        for dir in [&empty, &slot.temporary()] {
            fs::create_dir_all(dir).doing(|| format!("make {}", dir.display()))?;
        }
        let (cni_conf, cni_bin) = options.cni.clone().unwrap_or_else(|| (empty.clone(), empty.clone()));
        let mut command = program(binary("berthd")?);
        command
            .arg("--root")
            .arg(slot.root())
            .arg("--run-dir")
            .arg(slot.run_dir())
            .arg("--socket")
            .arg(slot.socket())
            .arg("--bridge")
            .arg(slot.bridge())
            .arg("--subnet")
            .arg(format!("{}/{}", slot.network(), options.prefix))
            .arg("--nft-table")
            .arg(slot.nft_table())
            .arg("--cgroup-root")
            .arg(slot.cgroup_root())
            .arg("--certs-dir")
            .arg(options.certs_dir.as_ref().unwrap_or(&empty))
            .arg("--cni-conf-dir")
            .arg(cni_conf)
            .arg("--cni-bin-dir")
            .arg(cni_bin)
            .args(["--log-level", "debug"])
            .args(&options.arguments);
        if options.remove_node_state {
            command.arg("--remove-node-state-on-exit");
        }
        command.env("TMPDIR", slot.temporary()).env_remove("BERTH_FAULT").current_dir("/");
        // A proxy of this machine is not for the test's registry.
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"] {
            command.env_remove(proxy);
        }
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        if let Some(fault) = &options.fault {
            command.env("BERTH_FAULT", fault);
        }
        // A terminal's Ctrl-C is for the test, which then cleans up.
        command.process_group(0).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().doing(|| "start berthd".to_owned())?;
        Ok(Self { child: Some(child), log })
    }

    /// Waits until the CRI socket answers.
    ///
    /// # Errors
    /// When berthd ends or does not answer in time.
    pub async fn wait_until_serving(&mut self, slot: &Slot) -> Result {
        let socket = slot.socket();
        let mut ended = None;
        let up = until("berthd serves its socket", START, async || {
            ended = self.ended();
            ended.is_some() || serves(&socket).await
        });
        let up = up.await;
        match (ended, up) {
            (Some(status), _) => Err(Failure::new(format!("berthd ended: {status}\n{}", self.last_words()))),
            (None, Err(late)) => Err(Failure::new(format!("{}\n{}", late.text(), self.last_words()))),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Its process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().doing(|| "kill berthd".to_owned())?;
        child.kill()?;
        Ok(child.wait()?)
    }

    /// SIGTERM, and waits for a clean end.
    ///
    /// # Errors
    /// When it does not end in time, or not with 0.
    pub async fn stop(&mut self) -> Result {
        let pid = self.pid().doing(|| "stop berthd".to_owned())?;
        let pidfd = sys::pidfd::open(i32::try_from(pid)?)?;
        sys::pidfd::send_signal(&pidfd, SIGTERM)?;
        let status = self.wait().await?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("berthd ended with {status} on SIGTERM\n{}", self.last_words())))
    }

    /// Waits for the end, however it comes.
    ///
    /// # Errors
    /// When it does not come in time.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        let mut ended = None;
        until("berthd ends", STOP, async || {
            ended = self.ended();
            ended.is_some()
        })
        .await?;
        ended.doing(|| "learn how berthd ended".to_owned())
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status)
    }

    /// Its whole log so far, with those of the daemons before it.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of its log, for a person who reads why a test failed.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Every step a fault can be put at.
    ///
    /// # Errors
    /// When berthd does not print them.
    pub fn steps() -> Result<Vec<String>> {
        let output = program(binary("berthd")?).arg("--print-steps").output()?;
        let text = String::from_utf8(output.stdout)?;
        let steps: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if output.status.success() && !steps.is_empty() {
            return Ok(steps);
        }
        Err(Failure::new(format!("berthd --print-steps: {}: {text}", output.status)))
    }
}

/// Was it SIGKILL that ended it?
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(9)
}

async fn serves(socket: &Path) -> bool {
    match Client::connect(socket).await {
        Ok(client) => client.version().await.is_ok(),
        Err(_) => false,
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Both fail only when it is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
