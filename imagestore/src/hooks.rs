//! What a caller can watch, or stop, in a pull.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Names of the steps of a pull, in the order of their first arrival.
pub const STEPS: &[&str] = &[
    "pull.resolve",
    "pull.manifest",
    "pull.config",
    "pull.layer.fetch",
    "pull.layer.verify",
    "pull.layer.sync",
    "pull.layer.commit",
    "pull.name",
    "pull.named",
];

/// Called before each step with its name; an error ends the pull.
pub type StepHook = Arc<dyn Fn(&'static str) -> io::Result<()> + Send + Sync>;
/// Called as a pull gets on, at most about once per MiB and layer.
pub type ProgressHook = Arc<dyn Fn(Progress) + Send + Sync>;

/// How far a pull is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Layers of the image that were not here when the pull began.
    pub layers_total: usize,
    /// How many of them are unpacked, verified and durable.
    pub layers_done: usize,
    /// Compressed bytes of those layers.
    pub bytes_total: u64,
    /// How many have been received.
    pub bytes_done: u64,
}

/// The hooks of one pull; by default they do nothing.
#[derive(Clone)]
pub struct PullHooks {
    /// Announces steps.
    pub step: StepHook,
    /// Announces progress.
    pub progress: ProgressHook,
}

impl PullHooks {
    /// Arrives at the step `name`.
    pub(crate) fn reach(&self, name: &'static str) -> Result<()> {
        debug_assert!(STEPS.contains(&name), "step {name} is not in STEPS");
        (self.step)(name).map_err(|source| Error::Step { name, source })
    }
}

impl Default for PullHooks {
    fn default() -> Self {
        Self { step: Arc::new(|_| Ok(())), progress: Arc::new(|_| {}) }
    }
}

impl fmt::Debug for PullHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PullHooks")
    }
}
