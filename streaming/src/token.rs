//! One-time tokens: what a URL given to kubelet may be used for, once, and not for long.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{AttachRequest, ExecRequest, PortForwardRequest};

/// Kubelet fetches the URL at once; a minute also covers a person pasting it.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);
/// Bounds memory against a client that asks for URLs and never uses them.
pub(crate) const MAX_IN_FLIGHT: usize = 1000;

/// What a token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    Exec(ExecRequest),
    Attach(AttachRequest),
    PortForward(PortForwardRequest),
}

impl Request {
    /// The first part of the URL's path.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::Attach(_) => "attach",
            Self::PortForward(_) => "portforward",
        }
    }
}

/// The tokens that were given out and not yet used.
///
/// A token is 128 random bits. It is looked up by a hash keyed with a secret of this process, so the time a
/// look-up takes says nothing about how much of a guess was right.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pending: Mutex<HashMap<u128, (Instant, Request)>>,
}

/// Why no token could be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("{MAX_IN_FLIGHT} streaming URLs are waiting to be used")]
    TooMany,
    #[error("getrandom")]
    Random(#[source] getrandom::Error),
}

impl Tokens {
    /// Keeps `request` until `take` is called with the token returned here, or `LIFETIME` is over.
    pub(crate) fn insert(&self, request: Request, now: Instant) -> Result<String, TokenError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
        let token = u128::from_be_bytes(bytes);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= MAX_IN_FLIGHT {
            pending.retain(|_, (born, _)| now.duration_since(*born) < LIFETIME);
        }
        if pending.len() >= MAX_IN_FLIGHT {
            return Err(TokenError::TooMany);
        }
        pending.insert(token, (now, request));
        Ok(format!("{token:032x}"))
    }

    /// Gives what the token stands for and forgets it; `None` if it is unknown, used, too old or for another verb.
    pub(crate) fn take(&self, verb: &str, token: &str, now: Instant) -> Option<Request> {
        let token = parse(token)?;
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let (born, request) = pending.remove(&token)?;
        (now.duration_since(born) < LIFETIME && request.verb() == verb).then_some(request)
    }
}

/// Exactly 32 lower-case hex digits: `from_str_radix` alone would also take a sign and upper case.
fn parse(token: &str) -> Option<u128> {
    let digits = token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u128::from_str_radix(token, 16).ok()).flatten()
}

#[cfg(test)]
mod tests;
