//! HTTP clients: one per TLS setting and guard, made when first needed, kept for their connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, redirect};
use rustls::RootCertStore;

use crate::config::{Config, ProxySettings};
use crate::digest::Digest;
use crate::registry::dns::{Dns, Guarded};
use crate::registry::endpoint::Tls;
use crate::registry::guard::Nearness;
use crate::registry::tls;

/// More clients than any sane configuration has; beyond it they are made anew.
const CLIENTS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    tls: Digest,
    https: bool,
    connect: Duration,
    no_nearer_than: Option<Nearness>,
}

/// What a client is wanted for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) tls: &'a Tls,
    /// A client for http alone needs no certificate authorities.
    pub(crate) https: bool,
    pub(crate) dial_timeout: Option<Duration>,
    pub(crate) no_nearer_than: Option<Nearness>,
}

/// All clients.
pub(crate) struct Clients {
    connect: Duration,
    proxy: ProxySettings,
    dns: Arc<Dns>,
    system_roots: OnceLock<RootCertStore>,
    made: Mutex<HashMap<Key, Client>>,
}

impl Clients {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            connect: config.timeouts.connect,
            proxy: config.proxy.clone(),
            dns: Arc::default(),
            system_roots: OnceLock::new(),
            made: Mutex::default(),
        }
    }

    /// Whether requests go through a proxy, whose address says nothing about the registry's.
    pub(crate) fn has_proxy(&self) -> bool {
        self.proxy.http.is_some() || self.proxy.https.is_some()
    }

    /// Reads the system's certificates, unless that is done.
    pub(crate) fn warm_up(&self) {
        self.system_roots.get_or_init(tls::system_roots);
    }

    /// The client for `wanted`. May read the system's certificates the first time.
    pub(crate) fn get(&self, wanted: Wanted<'_>) -> Result<Client, String> {
        let connect = wanted.dial_timeout.unwrap_or(self.connect);
        let key = Key {
            tls: wanted.tls.fingerprint(),
            https: wanted.https,
            connect,
            no_nearer_than: wanted.no_nearer_than,
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let client = self.make(wanted, connect)?;
        if made.len() >= CLIENTS_MAX {
            made.clear();
        }
        made.insert(key, client.clone());
        Ok(client)
    }

    fn make(&self, wanted: Wanted<'_>, connect: Duration) -> Result<Client, String> {
        let tls = match wanted.https {
            true => tls::configure(wanted.tls, self.system_roots.get_or_init(tls::system_roots))?,
            // Never used, but the HTTP client wants one.
            false => tls::configure(&Tls { skip_verify: true, ..Tls::default() }, &RootCertStore::empty())?,
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("berth/", env!("CARGO_PKG_VERSION")))
            // Redirects are followed by hand, where it is known what must not travel along.
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(connect)
            .pool_idle_timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(4)
            .dns_resolver(Guarded { dns: Arc::clone(&self.dns), no_nearer_than: wanted.no_nearer_than });
        let direct = self.proxy.no_proxy.as_deref().and_then(NoProxy::from_string);
        let http = self.proxy.http.as_deref().map(Proxy::http);
        let https = self.proxy.https.as_deref().map(Proxy::https);
        for proxy in [http, https].into_iter().flatten() {
            // The URL may hold the proxy's password: say nothing of it.
            let proxy = proxy.map_err(|_| "the proxy setting is no URL".to_owned())?;
            builder = builder.proxy(proxy.no_proxy(direct.clone()));
        }
        builder.build().map_err(|e| e.without_url().to_string())
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clients")
    }
}
