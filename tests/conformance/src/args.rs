//! The command line.

use std::path::PathBuf;

use clap::Parser;
use harness::{Failure, Result};

/// How the names of critest's streaming specs begin.
const STREAMING: &str = r"\[k8s\.io\] Streaming ";

/// Runs critest against a private berthd with a private registry, compares with known-failures.toml, and leaves nothing
/// behind. The last line says `N passed, M failed, K skipped`.
#[derive(Debug, Clone, Parser)]
#[command(bin_name = "tests/conformance/run", disable_version_flag = true)]
pub(crate) struct Args {
    /// The suite: a critest of kubernetes-sigs/cri-tools
    #[arg(value_name = "CRITEST_BINARY")]
    pub(crate) critest: PathBuf,
    /// Only specs whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) focus: Option<String>,
    /// No specs whose name matches
    #[arg(long, value_name = "REGEX")]
    pub(crate) skip: Option<String>,
    /// Order of the specs
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u32,
    /// Streaming over WebSocket instead of SPDY; a run of the whole suite does both
    #[arg(long)]
    pub(crate) websocket: bool,
    /// Runtime handler of every pod
    #[arg(long, value_name = "NAME")]
    pub(crate) handler: Option<String>,
    /// Run the NRI specs too, on this socket
    #[arg(long, value_name = "SOCKET")]
    pub(crate) nri: Option<PathBuf>,
    /// Run critest as it is. By default a copy is run in which the one digest compiled into it is our stand-in's
    #[arg(long)]
    pub(crate) unpatched: bool,

    /// Test this runtime instead of a private berthd
    #[arg(long, value_name = "unix:///PATH", requires = "certs_dir")]
    pub(crate) endpoint: Option<String>,
    /// With --endpoint: where that runtime looks for `<host>/hosts.toml`; must be empty, and is emptied in the end
    #[arg(long, value_name = "DIR", requires = "endpoint")]
    pub(crate) certs_dir: Option<PathBuf>,
    /// What is known not to pass [default: known-failures.toml beside `run`]
    #[arg(long, value_name = "FILE")]
    pub(crate) known: Option<PathBuf>,
    /// Where report, logs and table of the run go [default: target/conformance]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Optimised binaries
    #[arg(long)]
    pub(crate) release: bool,
    /// The binaries that are there, however old
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Handed to critest
    #[arg(last = true)]
    pub(crate) more: Vec<String>,
}

impl Args {
    /// The socket of the runtime given by --endpoint.
    pub(crate) fn endpoint(&self) -> Result<Option<PathBuf>> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let path = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
        if path.starts_with('/') {
            return Ok(Some(path.into()));
        }
        Err(Failure::new(format!("--endpoint {endpoint}: give unix:// and an absolute path")))
    }

    /// The same run once more, of the specs that a choice of wire changes; None when specs were chosen by hand.
    pub(crate) fn over_websocket(&self) -> Option<Self> {
        let again = Self { websocket: true, focus: Some(STREAMING.to_owned()), ..self.clone() };
        (self.whole() && !self.websocket).then_some(again)
    }

    /// Is every spec run, so that what is known of each can be held against it?
    pub(crate) fn whole(&self) -> bool {
        self.focus.is_none() && self.skip.is_none() && self.more.is_empty()
    }
}
