//! What this crate refuses, and the three things every refusal names: the thing, the cause, the way out.

use std::error::Error as StdError;

/// A boxed cause.
type Source = Box<dyn StdError + Send + Sync>;

/// What `spec` returns.
pub type Result<T, E = SpecError> = std::result::Result<T, E>;

/// The class of a failure; the daemon turns it into a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request or the image asks for something that cannot be right: INVALID_ARGUMENT.
    Invalid,
    /// Something named by the request does not exist (a user, a device, a profile): NOT_FOUND does not fit CRI here,
    /// because kubelet reads it as "no such container"; the daemon answers INVALID_ARGUMENT or FAILED_PRECONDITION.
    NotFound,
    /// Asked for correctly, but this kernel, this node or this version of Berth lacks it: UNIMPLEMENTED.
    Unsupported,
    /// A bug of ours, or of the caller inside the daemon: INTERNAL.
    Internal,
}

/// Why no container can be made of a request.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// See [`Kind::Invalid`].
    #[error("{thing}: {cause}; {way_out}")]
    Invalid {
        /// What is wrong, with its value: `mount "/data"`.
        thing: String,
        /// Why it is wrong.
        cause: String,
        /// What to do about it.
        way_out: String,
        /// What it follows from, if it came from elsewhere.
        #[source]
        source: Option<Source>,
    },
    /// See [`Kind::NotFound`].
    #[error("{thing}: {cause}; {way_out}")]
    NotFound {
        /// What is missing.
        thing: String,
        /// Where it was looked for.
        cause: String,
        /// What to do about it.
        way_out: String,
        /// What it follows from, if it came from elsewhere.
        #[source]
        source: Option<Source>,
    },
    /// See [`Kind::Unsupported`].
    #[error("{thing}: {cause}; {way_out}")]
    Unsupported {
        /// What was asked for.
        thing: String,
        /// What is lacking.
        cause: String,
        /// What to do about it.
        way_out: String,
    },
    /// See [`Kind::Internal`].
    #[error("{thing}: {cause}; this is a bug in Berth, please report it")]
    Internal {
        /// What was being made.
        thing: String,
        /// What did not hold.
        cause: String,
    },
}

// === impl SpecError ===

impl SpecError {
    /// The class of this error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } => Kind::Invalid,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Unsupported { .. } => Kind::Unsupported,
            Self::Internal { .. } => Kind::Internal,
        }
    }

    pub(crate) fn invalid(
        thing: impl Into<String>,
        cause: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::Invalid { thing: thing.into(), cause: cause.into(), way_out: way_out.into(), source: None }
    }

    pub(crate) fn not_found(
        thing: impl Into<String>,
        cause: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::NotFound { thing: thing.into(), cause: cause.into(), way_out: way_out.into(), source: None }
    }

    pub(crate) fn unsupported(
        thing: impl Into<String>,
        cause: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        Self::Unsupported { thing: thing.into(), cause: cause.into(), way_out: way_out.into() }
    }

    pub(crate) fn internal(thing: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Internal { thing: thing.into(), cause: cause.into() }
    }

    /// Attaches what this error follows from; only the kinds that can have one keep it.
    pub(crate) fn because(mut self, cause: impl Into<Source>) -> Self {
        if let Self::Invalid { source, .. } | Self::NotFound { source, .. } = &mut self {
            *source = Some(cause.into());
        }
        self
    }
}

/// How text from outside is shown in an error: quoted, control characters escaped, cut after 64 characters.
pub(crate) fn quoted(text: impl AsRef<[u8]>) -> String {
    const LIMIT: usize = 64;
    let text = String::from_utf8_lossy(text.as_ref());
    if text.chars().count() <= LIMIT {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(LIMIT).collect();
    format!("{head:?}… ({} bytes)", text.len())
}
