//! Names to addresses, by the machine's resolv.conf and hosts file, with a guard on what comes out.
//!
//! Our own resolver, because getaddrinfo(3) of a static program loads libraries at run time, and because
//! without a readable resolv.conf we ask nobody rather than somebody's public servers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::Cause;
use crate::registry::guard::Nearness;

const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The machine's resolver; made when first needed and again when resolv.conf changes.
#[derive(Default)]
pub(crate) struct Dns {
    current: Mutex<Option<(SystemTime, TokioResolver)>>,
}

impl Dns {
    fn resolver(&self) -> std::result::Result<TokioResolver, Cause> {
        // One stat of a file that is always cached: no reason for another thread.
        let changed = Path::new(RESOLV_CONF)
            .metadata()
            .and_then(|meta| meta.modified())
            .map_err(|e| format!("{RESOLV_CONF}: {e}"))?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, resolver)) = &*current
            && *since == changed
        {
            return Ok(resolver.clone());
        }
        let mut builder = TokioResolver::builder_tokio().map_err(|e| format!("{RESOLV_CONF}: {e}"))?;
        // Both families, so that the connector can race them.
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
        let resolver = builder.build()?;
        *current = Some((changed, resolver.clone()));
        Ok(resolver)
    }
}

impl std::fmt::Debug for Dns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dns")
    }
}

/// A resolver for one HTTP client.
pub(crate) struct Guarded {
    pub(crate) dns: Arc<Dns>,
    /// Refuse addresses nearer than this; `None` admits all, for names the operator wrote.
    pub(crate) no_nearer_than: Option<Nearness>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (dns, limit) = (Arc::clone(&self.dns), self.no_nearer_than);
        Box::pin(async move {
            let found = dns.resolver()?.lookup_ip(name.as_str()).await?;
            let admitted: Vec<SocketAddr> = found
                .iter()
                .filter(|address| limit.is_none_or(|limit| limit.admits(*address)))
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if admitted.is_empty() {
                return Err(format!(
                    "{} leads to a private address of this node's network: refused",
                    name.as_str()
                )
                .into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}
