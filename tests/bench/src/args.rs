//! The command line.
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};

#[cfg(test)]
mod tests;

/// Ends when asked to, so that stopping measures the runtime and not the grace period. A shell would wait for a child
/// in the foreground before it runs a trap, hence the `wait`.
const COMMAND: &str = r#"["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]"#;

/// Measures container runtimes through CRI: the same work for each endpoint, turn by turn, in one run.
#[derive(Debug, Parser)]
#[command(name = "berth-bench", version)]
pub(crate) struct Args {
    /// What to measure. Others are compared with the one called "berth", or else the first
    #[arg(value_name = "NAME=unix:///PATH", required = true)]
    pub(crate) endpoints: Vec<Named<Socket>>,
    /// Compare the others with this endpoint
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
    /// Write everything as JSON, with an object `ratios` {row: {measure: peer / baseline}}
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Image of the containers; pulled where it is missing
    #[arg(long, default_value = "docker.io/library/busybox:latest")]
    pub(crate) image: String,
    /// What the containers run: words, or a JSON array. Should obey SIGTERM
    #[arg(long, default_value = COMMAND, hide_default_value = true)]
    pub(crate) command: Argv,
    /// What ExecSync runs
    #[arg(long, default_value = "/bin/true")]
    pub(crate) exec: Argv,
    /// For all endpoints, or for one
    #[arg(long, value_name = "[NAME=]HANDLER")]
    pub(crate) runtime_handler: Vec<String>,
    /// Cgroup below which the pods' cgroups are made. One that ends in .slice is handed on as it is; "" leaves the
    /// choice to the runtime
    #[arg(long, default_value = "/")]
    pub(crate) cgroup_parent: String,
    /// Directory below which the pods' logs lie
    #[arg(long, default_value = "/tmp")]
    pub(crate) log_directory: PathBuf,
    #[arg(long, value_enum, default_value_t = Seccomp::RuntimeDefault)]
    pub(crate) seccomp: Seccomp,
    /// Give the pods the node's network, to leave network set-up out
    #[arg(long)]
    pub(crate) host_network: bool,

    /// Pods made one after the other, for each endpoint; 0 leaves this part out, as with the next three
    #[arg(long, default_value_t = 50)]
    pub(crate) iterations: usize,
    /// Pods made at once
    #[arg(long, default_value_t = 10)]
    pub(crate) parallel: usize,
    /// Pods that stand while memory and idle CPU are measured
    #[arg(long, default_value_t = 50)]
    pub(crate) density: usize,
    /// Pulls of --pull-image, each after removing it
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) pulls: usize,
    /// [default: --image]
    #[arg(long, value_name = "IMAGE")]
    pub(crate) pull_image: Option<String>,
    /// How long to watch CPU use with --density pods
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub(crate) idle_seconds: u64,
    /// Wait after each turn, so that work a runtime leaves to the background counts as its own
    #[arg(long, default_value_t = 200, value_name = "MS")]
    pub(crate) settle_ms: u64,

    /// The daemon, if it is not the one that listens on the socket
    #[arg(long, value_name = "NAME=PID")]
    pub(crate) pid: Vec<Named<i32>>,
    /// Directory in cgroupfs that holds the daemon and nothing foreign; found by itself if there is such
    #[arg(long, value_name = "NAME=DIR")]
    pub(crate) cgroup: Vec<Named<PathBuf>>,

    /// Only remove what killed runs have left: pods, cgroups, logs
    #[arg(long)]
    pub(crate) clean: bool,
}

/// A value for one endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named<T> {
    pub(crate) name: String,
    pub(crate) value: T,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Socket(pub(crate) PathBuf);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argv(pub(crate) Vec<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Seccomp {
    RuntimeDefault,
    Unconfined,
}

// === impl Args ===

impl Args {
    /// What clap cannot know: that names are unique, and that options name endpoints.
    pub(crate) fn check(&self) -> Result<()> {
        let names: Vec<&str> = self.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        for (at, name) in names.iter().enumerate() {
            ensure!(!names[..at].contains(name), "two endpoints are called {name:?}");
        }
        let pids = self.pid.iter().map(|pid| &pid.name);
        let cgroups = self.cgroup.iter().map(|cgroup| &cgroup.name);
        for name in pids.chain(cgroups).chain(&self.baseline) {
            ensure!(names.contains(&name.as_str()), "no endpoint is called {name:?}");
        }
        Ok(())
    }

    /// Index of the endpoint with which the others are compared.
    pub(crate) fn baseline_index(&self) -> usize {
        let wanted = self.baseline.as_deref().unwrap_or("berth");
        self.endpoints.iter().position(|endpoint| endpoint.name == wanted).unwrap_or(0)
    }

    /// One meant for this endpoint beats one meant for all.
    pub(crate) fn handler_for(&self, endpoint: &str) -> String {
        let own =
            self.runtime_handler.iter().find_map(|given| given.strip_prefix(endpoint)?.strip_prefix('='));
        let all = self.runtime_handler.iter().find(|given| !given.contains('='));
        own.or(all.map(String::as_str)).unwrap_or_default().to_owned()
    }
}

pub(crate) fn find<'a, T>(given: &'a [Named<T>], endpoint: &str) -> Option<&'a T> {
    given.iter().find(|one| one.name == endpoint).map(|one| &one.value)
}

// === parsing ===

impl<T: FromStr<Err: Into<anyhow::Error>>> FromStr for Named<T> {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, value) = text.split_once('=').context("expected NAME=VALUE")?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        // It becomes part of names of pods and directories.
        ensure!(!name.is_empty() && name.chars().all(plain), "a name has letters, digits and '-' only");
        Ok(Self { name: name.to_owned(), value: value.parse().map_err(Into::into)? })
    }
}

impl FromStr for Socket {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let path = text.strip_prefix("unix://").unwrap_or(text);
        ensure!(path.starts_with('/'), "expected unix:// and an absolute path");
        Ok(Self(PathBuf::from(path)))
    }
}

impl FromStr for Argv {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<String> = if text.starts_with('[') {
            serde_json::from_str(text).context("not a JSON array of strings")?
        } else {
            text.split_whitespace().map(str::to_owned).collect()
        };
        if words.is_empty() {
            bail!("a command has at least one word");
        }
        Ok(Self(words))
    }
}
