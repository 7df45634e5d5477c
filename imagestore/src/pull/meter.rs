//! The meter: counts what a pull has received, and tells its hooks now and then.

use std::sync::{Mutex, PoisonError};

use crate::hooks::Progress;
use crate::hooks::{ProgressHook, PullHooks};

/// Bytes between two announcements.
const EVERY: u64 = 1 << 20;

/// Counts for one pull.
pub(super) struct Meter {
    state: Mutex<State>,
    hook: ProgressHook,
}

struct State {
    progress: Progress,
    announced: u64,
}

impl Meter {
    /// Begins with the layers that are missing; announces the beginning.
    pub(super) fn new(hooks: &PullHooks, sizes: impl Iterator<Item = u64> + Clone) -> Self {
        let progress = Progress {
            layers_total: sizes.clone().count(),
            layers_done: 0,
            bytes_total: sizes.fold(0, u64::saturating_add),
            bytes_done: 0,
        };
        (hooks.progress)(progress);
        Self { state: Mutex::new(State { progress, announced: 0 }), hook: hooks.progress.clone() }
    }

    /// `bytes` more have been received.
    pub(super) fn received(&self, bytes: u64) {
        self.change(|state| {
            state.progress.bytes_done += bytes;
            state.progress.bytes_done - state.announced >= EVERY
        });
    }

    /// One layer more is here, for good; `unread` of its bytes did not have to come.
    pub(super) fn layer_done(&self, unread: u64) {
        self.change(|state| {
            state.progress.layers_done += 1;
            state.progress.bytes_done += unread;
            true
        });
    }

    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let announce = change(&mut state);
        // A layer that has to be fetched again does not count twice.
        state.progress.bytes_done = state.progress.bytes_done.min(state.progress.bytes_total);
        let progress = state.progress;
        if announce {
            state.announced = progress.bytes_done;
        }
        drop(state);
        if announce {
            (self.hook)(progress);
        }
    }
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meter")
    }
}
