//! One failed request: what it says about the registry, and whether trying again can help.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::error::{Cause, Error, Fault};

/// When to try the same request again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Never.
    No,
    /// Once more, soon: nobody listens, or nobody answers.
    Once,
    /// A few times, with growing waits.
    Often,
    /// A few times, not before this long.
    After(Duration),
}

/// A failed request.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) source: Option<Cause>,
    pub(crate) retry: Retry,
    /// Content that is not what it was promised to be, as (expected, got).
    pub(crate) mismatch: Option<(String, String)>,
}

impl Failure {
    pub(crate) fn new(fault: Fault, retry: Retry) -> Self {
        Self { fault, source: None, retry, mismatch: None }
    }

    /// An answer that breaks the protocol.
    pub(crate) fn protocol(text: impl Into<String>) -> Self {
        Self::new(Fault::Protocol(text.into()), Retry::No)
    }

    /// We refuse to go on for a reason of our own.
    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self::new(Fault::Denied(text.into()), Retry::No)
    }

    /// Nobody answered, or not in time.
    pub(crate) fn unavailable(text: impl Into<String>, retry: Retry) -> Self {
        Self::new(Fault::Unavailable(text.into()), retry)
    }

    /// Content with another size or digest. Another server may have the right one.
    pub(crate) fn mismatch(expected: impl ToString, got: impl ToString) -> Self {
        let both = (expected.to_string(), got.to_string());
        Self { mismatch: Some(both), ..Self::protocol("content differs") }
    }

    /// An error of the HTTP client: connection, TLS, framing.
    pub(crate) fn transport(error: reqwest::Error) -> Self {
        let text = match (error.is_connect(), error.is_timeout()) {
            (true, true) => "no connection in time",
            (true, false) => "no connection",
            (false, true) => "no answer in time",
            (false, false) => "the connection broke",
        };
        let retry = if error.is_connect() { Retry::Once } else { Retry::Often };
        // The URL may carry a signature in its query.
        Self { source: Some(Box::new(error.without_url())), ..Self::unavailable(text, retry) }
    }

    /// An answer with a status that is no success; `words` are the registry's own.
    pub(crate) fn status(status: StatusCode, headers: &HeaderMap, words: String, longest: Duration) -> Self {
        let said = if words.is_empty() { status.to_string() } else { format!("{status}: {words}") };
        match status {
            StatusCode::NOT_FOUND => Self::new(Fault::NotFound, Retry::No),
            StatusCode::UNAUTHORIZED => Self::new(Fault::Unauthenticated(said), Retry::No),
            StatusCode::FORBIDDEN => Self::new(Fault::Denied(said), Retry::No),
            StatusCode::TOO_MANY_REQUESTS => {
                let retry = retry_after(headers).map_or(Retry::Often, |wait| Retry::After(wait.min(longest)));
                Self::new(Fault::TooManyRequests(said), retry)
            }
            StatusCode::REQUEST_TIMEOUT => Self::unavailable(said, Retry::Often),
            status if status.is_server_error() => {
                let retry = retry_after(headers).map_or(Retry::Often, |wait| Retry::After(wait.min(longest)));
                Self::unavailable(said, retry)
            }
            _ => Self::protocol(said),
        }
    }

    /// Names what was asked of whom.
    pub(crate) fn into_error(self, host: String, what: String) -> Error {
        match self.mismatch {
            Some((expected, got)) => Error::Mismatch { what: format!("{what} from {host}"), expected, got },
            None => Error::Registry { host, what, fault: self.fault, source: self.source },
        }
    }
}

/// Retry-After as seconds or as a date; nonsense counts as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let then = httpdate::parse_http_date(text).ok()?;
            Some(then.duration_since(std::time::SystemTime::now()).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests;
