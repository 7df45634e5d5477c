//! kubectl as a person uses it: a command with its output, or one that runs until stopped.

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use crate::program::{Program, dying_with_us};
use harness::{Doing, Failure, Result};

/// A hang shows as a failure.
const LIMIT: &str = "90";

/// kubectl and how it reaches the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    /// A directory for its caches and logs.
    dir: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(binary: &Path, kubeconfig: PathBuf, dir: &Path) -> Result<Self> {
        let binary = std::path::absolute(binary).doing(|| format!("find {}", binary.display()))?;
        Ok(Self { binary, kubeconfig, dir: dir.to_owned() })
    }

    /// What it prints; fails unless it ends with 0.
    pub(crate) fn run(&self, namespace: &str, arguments: &[&str]) -> Result<String> {
        let output = self.output(namespace, arguments, "")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("kubectl {}: {}: {}", arguments.join(" "), output.status, text.trim())))
    }

    /// Runs to its end with `input`, however it ends.
    pub(crate) fn output(&self, namespace: &str, arguments: &[&str], input: &str) -> Result<Output> {
        let what = format!("kubectl {}", arguments.join(" "));
        let mut command = dying_with_us(Path::new("timeout"));
        // Killed by its limit or, when that is killed with us, by the kernel.
        command.args(["--signal=KILL", LIMIT, "setpriv", "--pdeathsig", "KILL"]).arg(&self.binary);
        command.args(self.common(namespace)).args(arguments).current_dir(&self.dir).env("HOME", &self.dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Blocks this thread: nothing else has to happen meanwhile.
        let mut child = command.spawn().doing(|| what.clone())?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that needs no more input may be gone before it was written.
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output().doing(|| what)
    }

    /// Starts one that does not end by itself; its output is in the log of `name`.
    pub(crate) fn start(&self, namespace: &str, name: &str, arguments: &[&str]) -> Result<Program> {
        let common = self.common(namespace);
        let all = common.iter().map(OsStr::new).chain(arguments.iter().map(OsStr::new));
        Program::start(&self.binary, name, &self.dir, all)
    }

    fn common(&self, namespace: &str) -> [String; 2] {
        [format!("--kubeconfig={}", self.kubeconfig.display()), format!("--namespace={namespace}")]
    }
}
