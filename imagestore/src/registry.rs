//! The registry client.

use crate::Config;

/// All registries, as one configuration reaches them.
#[derive(Debug)]
pub(crate) struct Registry {}

impl Registry {
    pub(crate) fn new(_config: &Config) -> Self {
        Self {}
    }
}
