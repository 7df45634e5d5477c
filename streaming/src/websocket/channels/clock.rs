//! What the halves of a connection tell each other: when something moved last, and whether reading is held up.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time;

use super::super::Error;

/// Shared by the loops of one connection, which are parts of one future: nothing here is ever waited for.
pub(super) struct Clock {
    last: Mutex<Instant>,
    blocked: AtomicBool,
}

/// Reading is held up for as long as this lives.
pub(super) struct Blocked<'a>(&'a AtomicBool);

impl Clock {
    pub(super) fn new() -> Self {
        Self { last: Mutex::new(Instant::now()), blocked: AtomicBool::new(false) }
    }

    pub(super) fn touch(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn blocked(&self) -> Blocked<'_> {
        self.blocked.store(true, Ordering::Relaxed);
        Blocked(&self.blocked)
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Ends with an error when nothing moved for `limit`.
    pub(super) async fn idle(&self, limit: Duration) -> Result<(), Error> {
        loop {
            let deadline = *self.last.lock().unwrap_or_else(PoisonError::into_inner) + limit;
            if deadline <= Instant::now() {
                return Err(Error::Idle(limit));
            }
            time::sleep_until(deadline.into()).await;
        }
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
