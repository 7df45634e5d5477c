//! The registry client: endpoints, authorization, documents and layers, all of it over reqwest.
//!
//! ```text
//! Session ─► failover over hosts.toml's endpoints ─► retries ─► send: auth, redirects, time ─► reqwest
//! ```
//! Nothing here trusts a registry: bodies are bounded, digests checked, secrets bound to an origin, and other
//! addresses it sends us to are no nearer than its own.

mod auth;
mod client;
mod dns;
mod endpoint;
mod failure;
mod guard;
mod hosts;
mod layer_stream;
mod origin;
mod send;
mod session;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;

pub(crate) use layer_stream::LayerStream;
pub(crate) use session::{Resolved, Session};

use crate::blocking;
use crate::config::{Config, Timeouts};
use crate::credentials::Credentials;
use crate::error::Result;
use crate::reference::Reference;

/// All registries, as one configuration reaches them.
#[derive(Debug)]
pub(crate) struct Registry {
    certs_dir: Option<PathBuf>,
    timeouts: Timeouts,
    allow_private_redirects: bool,
    clients: client::Clients,
    authorizations: auth::Authorizations,
}

impl Registry {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            certs_dir: config.certs_dir.clone(),
            timeouts: config.timeouts.clone(),
            allow_private_redirects: config.allow_private_redirects,
            clients: client::Clients::new(config),
            authorizations: auth::Authorizations::default(),
        }
    }

    /// Begins a pull: reads the configuration for the reference's host as it is now.
    pub(crate) async fn session(
        self: &Arc<Self>,
        reference: &Reference,
        credentials: Option<Credentials>,
    ) -> Result<Session> {
        let (registry, host) = (Arc::clone(self), reference.host().to_owned());
        let endpoints = blocking::run("read registry configuration", None, move || {
            let endpoints = hosts::endpoints(registry.certs_dir.as_deref(), &host)?;
            // Reading the system's certificates waits for the disk: here, not in the middle of a request.
            if endpoints.iter().any(|endpoint| endpoint.origin.https) {
                registry.clients.warm_up();
            }
            Ok(endpoints)
        })
        .await?;
        let scope = format!("repository:{}:pull", reference.path());
        Ok(Session {
            registry: Arc::clone(self),
            reference: reference.clone(),
            credentials,
            endpoints,
            scope,
        })
    }
}
