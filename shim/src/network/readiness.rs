//! Whether the pod network is ready, as last seen: to look means to run plugins, and one that hangs must not hang Status.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{blocking, ctx::Ctx};

/// A look takes milliseconds. One that took longer than this is waited for no more, nor are those after it, until one is
/// quick again: kubelet takes a node for dead whose Status does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Readiness {
    seen: Mutex<Seen>,
    /// Changes after every look.
    looks: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What keeps the network from being ready, if anything; unset before the first look has ended.
    problem: Option<Option<String>>,
    /// When the look under way began.
    looking: Option<Instant>,
    is_slow: bool,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { seen: Mutex::default(), looks: watch::Sender::new(0) }
    }
}

impl Readiness {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the network is not ready, if it is not. Looks anew, and answers with what was seen before if that takes long.
pub(crate) async fn problem(cx: &Arc<Ctx>) -> Option<String> {
    let readiness = cx.network.readiness();
    let mut looks = readiness.looks.subscribe();
    let is_slow = {
        let mut seen = readiness.seen();
        if seen.looking.is_none() {
            seen.looking = Some(Instant::now());
            tokio::spawn(look(cx.clone()));
        }
        seen.is_slow
    };
    if !is_slow && tokio::time::timeout(PATIENCE, looks.changed()).await.is_err() {
        tracing::warn!(
            "the network's plugins do not say whether they are ready; Status answers with what they said last"
        );
        readiness.seen().is_slow = true;
    }
    let problem = readiness.seen().problem.clone();
    problem.unwrap_or_else(|| Some("the network's plugins have not answered STATUS yet".into()))
}

async fn look(cx: Arc<Ctx>) {
    let context = cx.clone();
    let looked = blocking::run("look at the pod network", move || Ok(context.network.problem())).await;
    let readiness = cx.network.readiness();
    let mut seen = readiness.seen();
    seen.is_slow = seen.looking.take().is_some_and(|begun| begun.elapsed() > PATIENCE);
    seen.problem = Some(looked.unwrap_or_else(|error| Some(error.chain())));
    drop(seen);
    readiness.looks.send_modify(|looks| *looks += 1);
}
