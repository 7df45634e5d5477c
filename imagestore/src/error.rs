//! What can go wrong with an image: which thing, why, and the way out.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sys::Errno;

use crate::digest::Digest;
use crate::unpack::{self, UnpackError};

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A source whose type is nobody's business.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The class of an error, for a caller that must branch (gRPC codes, kubelet's fixed words).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller's text or the image's documents are wrong; trying again does not help.
    Invalid,
    /// The registry does not have it, or not for this platform.
    NotFound,
    /// The registry wants other credentials (401).
    Unauthenticated,
    /// The registry knows us and refuses (403).
    Denied,
    /// No answer, no connection, no such host, 5xx, a stalled body.
    RegistryUnavailable,
    /// 429, after the waits it asked for.
    TooManyRequests,
    /// Content is not what its digest, size or diff_id says.
    DigestMismatch,
    /// No space, no inodes, no quota or no file descriptors left.
    Exhausted,
    /// Our own files are not what we wrote.
    Corrupt,
    /// The machine refused a call, or a bug.
    Internal,
}

/// How a registry failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// 404, or a name the registry does not know.
    #[error("not found: check the name and tag; private images also need credentials")]
    NotFound,
    /// 401, with what was tried.
    #[error("not authorised: {0}")]
    Unauthenticated(String),
    /// 403, or we refuse to hand out a secret.
    #[error("denied: {0}")]
    Denied(String),
    /// 429.
    #[error("too many requests: {0}")]
    TooManyRequests(String),
    /// Connection, DNS, TLS, time, 5xx.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// An answer outside the protocol.
    #[error("answered against the protocol: {0}")]
    Protocol(String),
}

/// An error of the image store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A reference that does not parse.
    #[error("image reference {text:?}: {why}")]
    Reference {
        /// The text, shortened.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// An id prefix that fits several images.
    #[error("{prefix:?} begins the ids of several images: give more digits")]
    Ambiguous {
        /// The prefix.
        prefix: String,
    },
    /// A manifest, index or image config that is not acceptable.
    #[error("{what}: {why}")]
    Document {
        /// Which document.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// An image that exists, but not for us.
    #[error("{image} is not built for {wanted}: it offers {offered}")]
    Platform {
        /// The image.
        image: String,
        /// This node's platform.
        wanted: String,
        /// What there is.
        offered: String,
    },
    /// A registry did not give what was asked.
    #[error("{what} from {host}: {fault}")]
    Registry {
        /// The host asked, without userinfo and query.
        host: String,
        /// What was asked for.
        what: String,
        /// How it failed.
        fault: Fault,
        /// What the HTTP client said.
        #[source]
        source: Option<Cause>,
    },
    /// Content with another digest or size than promised.
    #[error("{what}: expected {expected}, got {got}")]
    Mismatch {
        /// The blob, manifest or layer.
        what: String,
        /// The promise.
        expected: String,
        /// What came.
        got: String,
    },
    /// A layer that cannot be unpacked.
    #[error("unpack layer {layer}")]
    Layer {
        /// Digest of the compressed layer.
        layer: Digest,
        /// Why.
        #[source]
        source: Box<UnpackError>,
    },
    /// A file operation below the image root.
    #[error("{op} {}", path.display())]
    Io {
        /// The operation, as a verb.
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A file of ours that is damaged.
    #[error("{}: {why}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A registry configuration file that cannot be used.
    #[error("{}: {why}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A hook stopped a step.
    #[error("step {name}")]
    Step {
        /// Name out of [`crate::STEPS`].
        name: &'static str,
        /// The hook's error.
        #[source]
        source: io::Error,
    },
    /// The error of a pull that several callers waited for.
    #[error(transparent)]
    Shared(Arc<Error>),
}

impl Error {
    /// The class of this error.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Reference { .. }
            | Self::Ambiguous { .. }
            | Self::Document { .. }
            | Self::Setting { .. } => Kind::Invalid,
            Self::Platform { .. } => Kind::NotFound,
            Self::Registry { fault, .. } => match fault {
                Fault::NotFound => Kind::NotFound,
                Fault::Unauthenticated(_) => Kind::Unauthenticated,
                Fault::Denied(_) => Kind::Denied,
                Fault::TooManyRequests(_) => Kind::TooManyRequests,
                Fault::Unavailable(_) | Fault::Protocol(_) => Kind::RegistryUnavailable,
            },
            Self::Mismatch { .. } => Kind::DigestMismatch,
            Self::Layer { source, .. } => match source.fault() {
                unpack::Fault::Layer | unpack::Fault::Limit | unpack::Fault::Unsupported => Kind::Invalid,
                // A download that fails has an error of its own: this is a stream that does not decompress.
                unpack::Fault::Read => exhausted_below(source.as_ref()).unwrap_or(Kind::Invalid),
                unpack::Fault::Host => exhausted_below(source.as_ref()).unwrap_or(Kind::Internal),
            },
            Self::Io { source, .. } => exhausted(source).unwrap_or(Kind::Internal),
            Self::Corrupt { .. } => Kind::Corrupt,
            Self::Step { .. } => Kind::Internal,
            Self::Shared(error) => error.kind(),
        }
    }

    /// Shorthand for a file operation's error, for `map_err`.
    pub(crate) fn io(op: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { op, path, source }
    }
}

/// What a machine that ran out of something answers.
const EXHAUSTED: [Errno; 5] = [Errno::ENOSPC, Errno::EDQUOT, Errno::EMFILE, Errno::ENFILE, Errno::ENOMEM];

fn exhausted(error: &io::Error) -> Option<Kind> {
    let below = error.get_ref().and_then(|below| below.downcast_ref::<sys::Error>()).map(|error| error.errno);
    let errno = below.or(error.raw_os_error().map(Errno))?;
    EXHAUSTED.contains(&errno).then_some(Kind::Exhausted)
}

/// Looks for a full disk anywhere in the chain.
fn exhausted_below(error: &(dyn std::error::Error + 'static)) -> Option<Kind> {
    std::iter::successors(Some(error), |e| e.source()).find_map(|e| {
        let by_sys = e.downcast_ref::<sys::Error>().filter(|e| EXHAUSTED.contains(&e.errno));
        by_sys.map(|_| Kind::Exhausted).or_else(|| e.downcast_ref::<io::Error>().and_then(exhausted))
    })
}
