//! Sessions over SPDY: which SPDY streams are the streams a session wants.

pub(crate) mod command;
pub(crate) mod forward;

use std::time::Duration;

/// How long a client may take to open the streams it asked for.
pub(crate) const CREATION: Duration = Duration::from_secs(30);
/// A session on which no frame moves for so long has been forgotten.
pub(crate) const IDLE: Duration = Duration::from_secs(4 * 60 * 60);

/// The headers that tell what a stream is for.
pub(crate) mod header {
    pub(crate) const STREAM_TYPE: &str = "streamtype";
    pub(crate) const PORT: &str = "port";
    pub(crate) const REQUEST_ID: &str = "requestid";
}
