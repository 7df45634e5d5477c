//! Settings of a store; the daemon fills them from its own configuration.

use std::path::PathBuf;
use std::time::Duration;

use crate::platform::Platform;

/// Settings of a [`crate::Store`].
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory of the store.
    pub root: PathBuf,
    /// A tree of `<host>/hosts.toml` (containerd's `certs.d`), read at every pull.
    pub certs_dir: Option<PathBuf>,
    /// What images are chosen for.
    pub platform: Platform,
    /// How many layers of one pull are downloaded and unpacked at a time.
    pub max_parallel_downloads: usize,
    /// How many layers of all pulls together.
    pub max_parallel_layers: usize,
    /// How long to wait for whom.
    pub timeouts: Timeouts,
    /// HTTP proxies, as in the environment of other programs.
    pub proxy: ProxySettings,
    /// Lets a registry on a public address send us to a private one, for a token or a blob. Off, because a registry
    /// could make this node ask addresses only it can reach; some private links of clouds need it.
    pub allow_private_redirects: bool,
}

/// Waits. None limits a whole pull: a large image over a slow line is no error.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For a connection, unless hosts.toml has a `dial_timeout`.
    pub connect: Duration,
    /// For the head of an answer.
    pub answer: Duration,
    /// For the next bytes of a body.
    pub idle: Duration,
    /// A body must bring `min_bytes` in each span of this length, or it counts as stalled.
    pub rate_span: Duration,
    /// See `rate_span`.
    pub min_bytes: u64,
    /// First wait before another try; it doubles.
    pub backoff: Duration,
    /// Longest wait that a registry's Retry-After can impose.
    pub retry_after_max: Duration,
}

/// HTTP proxies; the crate itself never reads the environment.
#[derive(Debug, Clone, Default)]
pub struct ProxySettings {
    /// Proxy for http registries.
    pub http: Option<String>,
    /// Proxy for https registries.
    pub https: Option<String>,
    /// Hosts to reach directly, in the words of `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl Config {
    /// Settings for a store below `root`, with the defaults for all else.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            certs_dir: None,
            platform: Platform::host(),
            max_parallel_downloads: 2,
            max_parallel_layers: 8,
            timeouts: Timeouts::default(),
            proxy: ProxySettings::default(),
            allow_private_redirects: false,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            rate_span: Duration::from_secs(60),
            min_bytes: 60 << 10,
            backoff: Duration::from_millis(200),
            retry_after_max: Duration::from_secs(60),
        }
    }
}
