//! The one door to the blocking pool: whole steps that wait for the disk or burn CPU, never single reads.

use tokio::sync::OwnedSemaphorePermit;
use tracing::Span;

use crate::error::{Error, Result};

/// Runs `work` on a blocking thread, inside the caller's span. `permit` travels into the closure: the closure cannot
/// be cancelled, so a permit dropped with the waiting future would lie about the threads that still run.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(crate) async fn run<T: Send + 'static>(
    what: &'static str,
    permit: Option<OwnedSemaphorePermit>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = Span::current();
    let job = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        span.in_scope(work)
    });
    match job.await {
        Ok(result) => result,
        Err(error) => {
            Err(Error::Io { op: what, path: "(thread)".into(), source: std::io::Error::other(error) })
        }
    }
}
