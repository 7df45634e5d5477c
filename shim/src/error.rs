//! The daemon's error: a kind that decides the gRPC code, and a sentence that names the thing, the cause and the way out.
use std::{error::Error as StdError, fmt, sync::Arc};

/// What went wrong, as a caller must be able to tell it apart. `server/status.rs` maps each to one gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Invalid,
    NotFound,
    Exists,
    WrongState,
    Denied,
    Unauthenticated,
    Exhausted,
    Unavailable,
    /// One of kubelet's fixed words at the start of the text; the code must be UNKNOWN for kubelet to see it.
    PullKnown,
    Timeout,
    Unsupported,
    Corrupt,
    Internal,
}

/// Cloned to every request that waits for the same operation, hence the `Arc`.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    kind: Kind,
    what: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    pub(crate) fn caused(
        kind: Kind,
        what: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { kind, what: what.into(), source: Some(Arc::new(source)) }
    }

    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, what)
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, what)
    }

    pub(crate) fn wrong_state(what: impl Into<String>) -> Self {
        Self::new(Kind::WrongState, what)
    }

    pub(crate) fn internal(what: impl Into<String>) -> Self {
        Self::new(Kind::Internal, what)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The same error with `context: ` in front of its sentence.
    #[must_use]
    pub(crate) fn within(mut self, context: impl fmt::Display) -> Self {
        self.what = format!("{context}: {}", self.what);
        self
    }

    /// The sentence and every cause below it, once each.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.what.clone();
        let mut next = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(source) = next {
            text.push_str(": ");
            text.push_str(&source.to_string());
            next = source.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// The kind an I/O error stands for: a full disk is the caller's to know.
pub(crate) fn io_kind(error: &std::io::Error) -> Kind {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::Exhausted,
        _ => match error.raw_os_error() {
            Some(EMFILE | ENFILE) => Kind::Exhausted,
            _ => Kind::Internal,
        },
    }
}

const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// Adds what was being done to an I/O error.
pub(crate) trait IoContext<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::caused(io_kind(&error), what(), error))
    }
}

impl From<spec::SpecError> for Error {
    fn from(error: spec::SpecError) -> Self {
        let kind = match error.kind() {
            // NOT_FOUND would tell kubelet that the container is gone.
            spec::Kind::Invalid | spec::Kind::NotFound => Kind::Invalid,
            spec::Kind::Unsupported => Kind::Unsupported,
            spec::Kind::Internal => Kind::Internal,
        };
        let what = error.to_string();
        match error.source() {
            None => Self::new(kind, what),
            Some(_) => Self::caused(kind, "container config", error),
        }
    }
}

impl From<cgroup::Error> for Error {
    fn from(error: cgroup::Error) -> Self {
        let kind = match error.kind() {
            cgroup::Kind::Invalid => Kind::Invalid,
            _ => Kind::Internal,
        };
        Self::caused(kind, "cgroup", error)
    }
}
