//! Waits for a level, never for an edge: asks again until it holds or the deadline is over.

use std::time::{Duration, Instant};

use crate::{Failure, Result};

/// Between two questions: short enough not to slow a test, long enough not to steal the daemon's core.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks `holds` until it answers true.
///
/// # Errors
/// When `deadline` passes first; `what` names what was waited for.
#[track_caller]
pub fn until(
    what: &str,
    deadline: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> impl Future<Output = Result> {
    let late = Failure::new(format!("not within {deadline:?}: {what}"));
    async move {
        let end = Instant::now() + deadline;
        while !holds().await {
            if Instant::now() > end {
                return Err(late);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Asks `find` until it gives something.
///
/// # Errors
/// When `deadline` passes first; `what` names what was waited for.
#[track_caller]
pub fn until_some<T>(
    what: &str,
    deadline: Duration,
    mut find: impl AsyncFnMut() -> Option<T>,
) -> impl Future<Output = Result<T>> {
    let late = Failure::new(format!("not within {deadline:?}: {what}"));
    async move {
        let end = Instant::now() + deadline;
        loop {
            if let Some(found) = find().await {
                return Ok(found);
            }
            if Instant::now() > end {
                return Err(late);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
