//! A program of the cluster as a child: its log, its end with ours, and its end when asked.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use harness::{Doing, Failure, Result, program, until};

const SIGTERM: i32 = 15;
/// kubelet and the API server end in seconds; a busy machine takes longer.
const STOP: Duration = Duration::from_secs(60);

/// A running program. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `binary`, appending what it says to `<directory>/<name>.log`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        binary: &Path,
        name: &str,
        directory: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log);
        let output = output.doing(|| format!("open {}", log.display()))?;
        let binary = std::path::absolute(binary).doing(|| format!("find {}", binary.display()))?;
        let mut command = dying_with_us(&binary);
        command.args(arguments).current_dir(directory).env("TMPDIR", directory);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().doing(|| format!("start {}", binary.display()))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Fails, with its last words, if it has ended.
    pub(crate) fn check(&mut self) -> Result {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                Err(Failure::new(format!("{} ended: {status}\n{}", self.name, self.last_words())))
            }
        }
    }

    /// SIGTERM, and waits for the end; SIGKILL if it does not come.
    pub(crate) async fn stop(&mut self) -> Result {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pidfd = sys::pidfd::open(i32::try_from(self.child.id())?)?;
        sys::pidfd::send_signal(&pidfd, SIGTERM)?;
        let what = format!("{} ends on SIGTERM", self.name);
        let ended = until(&what, STOP, async || !matches!(self.child.try_wait(), Ok(None))).await;
        if ended.is_err() {
            self.child.kill()?;
            self.child.wait()?;
        }
        ended
    }

    /// Everything it said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// setpriv makes the kernel end the program with us, however we end; a terminal's Ctrl-C is for us alone.
pub(crate) fn dying_with_us(binary: &Path) -> Command {
    let mut command = program("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(binary).process_group(0);
    command
}
