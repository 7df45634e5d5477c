//! Pull: resolve, choose, fetch and verify, unpack, name.

use std::sync::Arc;

use crate::error::{Error, Fault, Result};
use crate::image::Image;
use crate::{Config, Credentials, PullHooks, Reference, Store};

/// The pulls under way.
#[derive(Debug)]
pub(crate) struct Pulls {}

impl Pulls {
    pub(crate) fn new(_config: &Config) -> Self {
        Self {}
    }
}

impl Store {
    /// Pulls an image and returns it once it is whole, verified and durable.
    ///
    /// An equal pull (same reference, same credentials) that is under way is joined. Dropping the future cancels
    /// the work if nobody else waits for it.
    pub async fn pull(
        &self,
        reference: &str,
        _auth: Option<Credentials>,
        _hooks: PullHooks,
    ) -> Result<Arc<Image>> {
        let reference = Reference::parse(reference)?;
        Err(Error::Registry {
            host: reference.host().to_owned(),
            what: reference.to_string(),
            fault: Fault::Unavailable("the registry client is not there yet".to_owned()),
            source: None,
        })
    }
}
