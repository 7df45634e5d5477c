//! Flights: pulls under way, so that equal ones are done once.
//!
//! A flight is a task of its own. Everyone who wants the image holds the flight; when the last lets go before it
//! has landed, the task is aborted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use crate::config::Config;
use crate::digest::DiffId;
use crate::error::{Error, Result};
use crate::hooks::{ProgressHook, PullHooks};
use crate::image::Image;
use crate::pull::sync::Syncer;
use crate::store::Shared;
use crate::{Credentials, Progress, Reference};

type Outcome = std::result::Result<Arc<Image>, Arc<Error>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    reference: Reference,
    auth: Option<Credentials>,
}

/// One pull under way.
#[derive(Debug)]
struct Flight {
    outcome: watch::Receiver<Option<Outcome>>,
    listeners: Arc<Listeners>,
    task: AbortHandle,
}

impl Drop for Flight {
    fn drop(&mut self) {
        // Nobody waits any more; a task that has ended does not mind.
        self.task.abort();
    }
}

/// Who wants to hear of the progress of one flight.
#[derive(Default)]
struct Listeners(Mutex<Vec<ProgressHook>>);

impl Listeners {
    fn add(&self, hook: ProgressHook) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    fn tell(&self, progress: Progress) {
        let hooks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hooks.iter().for_each(|hook| hook(progress));
    }
}

impl std::fmt::Debug for Listeners {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listeners")
    }
}

/// All pulls under way, and what they share.
#[derive(Debug)]
pub(crate) struct Pulls {
    flights: Mutex<HashMap<Key, Weak<Flight>>>,
    /// One lock a layer, so that pulls with a layer in common fetch it once.
    layers: Mutex<HashMap<DiffId, Weak<tokio::sync::Mutex<()>>>>,
    /// Layers of one pull at a time.
    pub(super) parallel: usize,
    /// Layers of all pulls at a time.
    pub(super) permits: Arc<Semaphore>,
    pub(super) syncer: Syncer,
}

impl Pulls {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            flights: Mutex::default(),
            layers: Mutex::default(),
            parallel: config.max_parallel_downloads.max(1),
            permits: Arc::new(Semaphore::new(config.max_parallel_layers.clamp(1, Semaphore::MAX_PERMITS))),
            syncer: Syncer::default(),
        }
    }

    /// Joins an equal pull, or starts one; waits for it.
    pub(super) async fn join(
        &self,
        store: &Arc<Shared>,
        reference: Reference,
        auth: Option<Credentials>,
        hooks: PullHooks,
    ) -> Result<Arc<Image>> {
        let flight = self.flight(store, Key { reference, auth }, hooks);
        let mut outcome = flight.outcome.clone();
        let landed = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
        match landed {
            Ok(Some(Ok(image))) => Ok(image),
            Ok(Some(Err(error))) => Err(Error::Shared(error)),
            // The task ended without a word: it panicked, or the runtime is going down.
            Ok(None) | Err(_) => {
                Err(Error::io("pull", "(task)")(std::io::Error::other("the pull ended without a result")))
            }
        }
    }

    fn flight(&self, store: &Arc<Shared>, key: Key, hooks: PullHooks) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade)
            && flight.outcome.borrow().is_none()
        {
            flight.listeners.add(hooks.progress);
            return flight;
        }
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = Arc::new(start(store, key.clone(), hooks));
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }

    /// The lock of one layer.
    pub(super) fn layer(&self, id: &DiffId) -> Arc<tokio::sync::Mutex<()>> {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = layers.get(id).and_then(Weak::upgrade) {
            return lock;
        }
        layers.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        layers.insert(*id, Arc::downgrade(&lock));
        lock
    }
}

fn start(store: &Arc<Shared>, key: Key, hooks: PullHooks) -> Flight {
    let (land, outcome) = watch::channel(None);
    let listeners = Arc::new(Listeners::default());
    listeners.add(hooks.progress);
    let told = Arc::clone(&listeners);
    let hooks = PullHooks { step: hooks.step, progress: Arc::new(move |progress| told.tell(progress)) };
    let span = tracing::info_span!("pull", image = %key.reference);
    let store = Arc::clone(store);
    let work = async move {
        let result = super::run(&store, key.reference, key.auth, hooks).await;
        // Nobody may be left to hear it.
        let _ = land.send(Some(result.map_err(Arc::new)));
    };
    let task = tokio::spawn(work.instrument(span)).abort_handle();
    Flight { outcome, listeners, task }
}
