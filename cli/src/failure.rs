//! What went wrong, and what to do next.

use std::{error::Error, fmt, io};

/// The result of every command.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// An error as a person reads it: what was tried, why it failed, what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    text: String,
    next: Option<String>,
    /// gRPC's code, if the daemon said no.
    code: Option<tonic::Code>,
    /// The reader of our output left: nothing to say, and nobody to say it to.
    silent: bool,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), next: None, code: None, silent: false }
    }

    /// What to try now; the first advice given, the one closest to the cause, stays.
    pub(crate) fn or_try(mut self, next: impl Into<String>) -> Self {
        self.next.get_or_insert_with(|| next.into());
        self
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Whether the daemon answered with this code.
    pub(crate) fn is(&self, code: tonic::Code) -> bool {
        self.code == Some(code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "berth: {}", self.text)?;
        match &self.next {
            Some(next) => write!(f, "\n  try: {next}"),
            None => Ok(()),
        }
    }
}

/// The daemon's answer, without gRPC's jargon.
impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let text = match status.message() {
            "" => status.code().description().to_owned(),
            message => message.to_owned(),
        };
        let failure = Self { code: Some(status.code()), ..Self::new(text) };
        match status.code() {
            tonic::Code::Unimplemented => {
                failure.or_try("a berthd of this version: `berth version` shows both")
            }
            tonic::Code::Unavailable => failure.or_try("again in a moment, or `systemctl status berth`"),
            _ => failure,
        }
    }
}

impl From<streaming::client::ClientError> for Failure {
    fn from(error: streaming::client::ClientError) -> Self {
        Self::new(chain(&error))
    }
}

impl From<sys::Error> for Failure {
    fn from(error: sys::Error) -> Self {
        Self::new(chain(&error))
    }
}

/// Failed writes to standard output end up here.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { silent: error.kind() == io::ErrorKind::BrokenPipe, ..Self::new(error.to_string()) }
    }
}

/// Adds what was being done to an error.
pub(crate) trait Doing<T> {
    /// `what` in the imperative: "stop container web".
    fn doing(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Failure>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| {
            let failure = error.into();
            Failure { text: format!("{what}: {}", failure.text), ..failure }
        })
    }
}

/// Adds advice to whatever fails.
pub(crate) trait OrTry<T> {
    fn or_try(self, next: impl Into<String>) -> Result<T>;
}

impl<T, E: Into<Failure>> OrTry<T> for Result<T, E> {
    fn or_try(self, next: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().or_try(next))
    }
}

/// An error with all its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_next() {
        let status: Result<(), _> = Err(tonic::Status::not_found("no such container"));
        let failure = status.doing("stop container web").or_try("berth ps -a").unwrap_err();
        assert_eq!(failure.to_string(), "berth: stop container web: no such container\n  try: berth ps -a");
        assert!(failure.is(tonic::Code::NotFound));
    }

    #[test]
    fn the_advice_closest_to_the_cause_stays() {
        let failure: Failure = tonic::Status::unavailable("starting").into();
        assert!(failure.clone().or_try("something else").to_string().contains("again in a moment"));
    }

    #[test]
    fn a_reader_that_left_is_no_news() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_silent());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).is_silent());
    }
}
