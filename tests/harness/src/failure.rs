//! The error of a test: what failed, and the line of the test that saw it.

use std::{error::Error, fmt, panic::Location};

/// A test's outcome; `?` on any error notes the line it stands on.
pub type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Why a test failed. Not an [`Error`] itself, so that every error converts into it.
pub struct Failure {
    text: String,
    at: &'static Location<'static>,
}

impl Failure {
    /// A failure in the test's own words.
    #[track_caller]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), at: Location::caller() }
    }

    /// Puts what it was about, one case of many, in front.
    #[must_use]
    pub fn about(mut self, case: impl std::fmt::Debug) -> Self {
        self.text = format!("{case:?}: {}", self.text);
        self
    }

    /// Says what failed once it is known, keeping the place.
    pub(crate) fn set(&mut self, text: String) {
        self.text = text;
    }

    /// What failed, without the place.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.at.file(), self.at.line(), self.text)
    }
}

impl<E: Error> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self { text: chain(&error), at: Location::caller() }
    }
}

/// The error and every cause below it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Says what was being done when an error came.
pub trait Doing<T> {
    /// Puts `what: ` in front of the error.
    ///
    /// # Errors
    /// The error it was called on.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Error> Doing<T> for std::result::Result<T, E> {
    #[track_caller]
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => {
                Err(Failure { text: format!("{}: {}", what(), chain(&error)), at: Location::caller() })
            }
        }
    }
}

impl<T> Doing<T> for Option<T> {
    #[track_caller]
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        match self {
            Some(value) => Ok(value),
            None => Err(Failure { text: format!("{}: nothing there", what()), at: Location::caller() }),
        }
    }
}
