//! Authorization: from a 401's challenges to the header of the next request, with every secret bound to its origin.
//!
//! ```text
//! 401 + WWW-Authenticate ─► Basic:  user:password, to this origin only
//!                        └► Bearer: realm checked (realm.rs) ─► token service (token.rs) ─► token, to this origin only
//! ```

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use crate::credentials::Credentials;
use crate::error::Fault;
use crate::registry::failure::{Failure, Retry};
use crate::registry::origin::Origin;

mod challenge;
mod realm;
mod token;

pub(crate) use challenge::Challenge;
pub(crate) use realm::check as check_realm;
pub(crate) use token::{Answer, request as token_request};

/// More tokens than a node pulls images at a time.
const CACHED_MAX: usize = 1024;
/// Basic needs no renewal, but a changed password should not linger.
const BASIC_KEPT: Duration = Duration::from_secs(600);

/// To whom a header may be sent, for what, in whose name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) origin: Origin,
    pub(crate) scope: String,
    pub(crate) credentials: Option<Credentials>,
}

struct Cached {
    header: HeaderValue,
    until: Instant,
}

/// Headers that were accepted before.
#[derive(Default)]
pub(crate) struct Authorizations {
    cached: Mutex<HashMap<Key, Cached>>,
}

impl Authorizations {
    /// The header to try first.
    pub(crate) fn get(&self, key: &Key) -> Option<HeaderValue> {
        if let Some(token) = registry_token(key) {
            return Some(token);
        }
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        match cached.get(key) {
            Some(entry) if entry.until > Instant::now() => Some(entry.header.clone()),
            Some(_) => {
                cached.remove(key);
                None
            }
            None => None,
        }
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(crate) fn keep(&self, key: Key, header: HeaderValue, kept: Duration) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if cached.len() >= CACHED_MAX {
            cached.retain(|_, entry| entry.until > now);
        }
        if cached.len() >= CACHED_MAX {
            cached.clear();
        }
        cached.insert(key, Cached { header, until: now + kept });
    }
}

impl std::fmt::Debug for Authorizations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authorizations")
    }
}

/// What a 401 calls for.
#[derive(Debug)]
pub(crate) enum Demand {
    /// Send this, for so long.
    Send(HeaderValue, Duration),
    /// Get a token there.
    Token(Challenge),
}

/// Reads the challenges of a 401. A header that was sent and refused is in `refused`.
pub(crate) fn demand(headers: &HeaderMap, key: &Key, refused: bool) -> Result<Demand, Failure> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let challenges: Vec<Challenge> = texts.flat_map(challenge::parse).collect();
    let secret = key.credentials.as_ref().filter(|credentials| !credentials.is_empty());
    if refused && secret.is_some_and(|secret| !secret.registry_token.is_empty()) {
        return Err(unauthenticated("the registry does not take the registry token it was given"));
    }
    if let Some(bearer) = challenges.iter().find(|challenge| matches!(challenge, Challenge::Bearer { .. })) {
        return Ok(Demand::Token(bearer.clone()));
    }
    let wants_basic = challenges.iter().any(|challenge| matches!(challenge, Challenge::Basic));
    match secret {
        Some(secret) if wants_basic && !refused => Ok(Demand::Send(basic(secret)?, BASIC_KEPT)),
        Some(_) if wants_basic => {
            Err(unauthenticated("the registry does not take the user and password it was given"))
        }
        None if wants_basic => {
            Err(unauthenticated("the registry wants a user and a password: add an image pull secret"))
        }
        _ => Err(unauthenticated("the registry names no way to authenticate that we know (Basic, Bearer)")),
    }
}

pub(crate) fn unauthenticated(text: &str) -> Failure {
    Failure::new(Fault::Unauthenticated(text.to_owned()), Retry::No)
}

/// `Basic` for user and password.
pub(crate) fn basic(secret: &Credentials) -> Result<HeaderValue, Failure> {
    if secret.username.is_empty() && secret.password.is_empty() {
        return Err(unauthenticated("the registry wants a user and a password, but was given a token"));
    }
    if secret.username.contains(':') {
        return Err(unauthenticated("a user name for Basic authentication has no colon"));
    }
    sensitive(&format!("Basic {}", STANDARD.encode(format!("{}:{}", secret.username, secret.password))))
}

/// `Bearer` for a token.
pub(crate) fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    sensitive(&format!("Bearer {token}"))
}

fn registry_token(key: &Key) -> Option<HeaderValue> {
    let token = &key.credentials.as_ref()?.registry_token;
    if token.is_empty() { None } else { bearer(token).ok() }
}

fn sensitive(text: &str) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(text)
        .map_err(|_| unauthenticated("the token has characters that no header can carry"));
    value.map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

#[cfg(test)]
mod tests;
