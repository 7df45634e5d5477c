//! The one door to the blocking pool: carries the span and turns a panic into an error.
use crate::error::{Error, Result};

/// Runs `work`, which may sleep in a system call, beside the async threads. The closure cannot be cancelled: it runs to its
/// end even if nobody waits for it any more.
pub(crate) async fn run<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let joined = tokio::task::spawn_blocking(move || span.in_scope(work)).await;
    joined.unwrap_or_else(|panic| {
        Err(Error::caused(crate::error::Kind::Internal, format!("{what} panicked"), panic))
    })
}
