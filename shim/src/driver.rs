//! One driver per pod and per container: its operations run one after the other, outside any request's future, and a
//! repeated request joins the one under way.
//!
//! tonic drops a handler's future when its client goes away. An operation that lived in that future would stop half-way;
//! here the handler only holds a ticket, and the operation finishes or tears down regardless.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tracing::Instrument;

use crate::error::{Error, Kind, Result};

type Ticket = Shared<BoxFuture<'static, Result<()>>>;

/// Orders the operations on one object.
#[derive(Debug, Default)]
pub(crate) struct Driver {
    /// Fair: whoever asked first works first.
    turn: Arc<tokio::sync::Mutex<()>>,
    under_way: Arc<Mutex<HashMap<&'static str, Ticket>>>,
}

impl Driver {
    /// Runs `operation` after the ones asked for before it, or joins an equal one that has not finished. Dropping the
    /// returned future abandons the wait, never the work.
    pub(crate) async fn run(
        &self,
        verb: &'static str,
        operation: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<()> {
        let ticket = self.ticket(verb, operation);
        ticket.await
    }

    /// Runs `operation` after the ones asked for before it and joins nothing: each carries its own values. Dropping the
    /// returned future abandons the wait, never the work.
    pub(crate) async fn run_alone(
        &self,
        verb: &'static str,
        operation: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Result<()> {
        let turn = self.turn.clone();
        let work = async move {
            let _turn = turn.lock_owned().await;
            caught(verb, operation).await
        };
        joined(verb, tokio::spawn(work.in_current_span())).await
    }

    fn ticket(
        &self,
        verb: &'static str,
        operation: impl Future<Output = Result<()>> + Send + 'static,
    ) -> Ticket {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ticket) = under_way.get(verb) {
            return ticket.clone();
        }
        let (turn, list) = (self.turn.clone(), self.under_way.clone());
        let work = async move {
            let _turn = turn.lock_owned().await;
            let outcome = caught(verb, operation).await;
            // Off the list before the outcome is known, so that whoever asks after it starts afresh.
            list.lock().unwrap_or_else(PoisonError::into_inner).remove(verb);
            outcome
        };
        let ticket = joined(verb, tokio::spawn(work.in_current_span())).boxed().shared();
        under_way.insert(verb, ticket.clone());
        ticket
    }
}

async fn caught(verb: &'static str, operation: impl Future<Output = Result<()>> + Send) -> Result<()> {
    let outcome = std::panic::AssertUnwindSafe(operation).catch_unwind().await;
    outcome.unwrap_or_else(|_| Err(Error::internal(format!("{verb}: panicked; this is a bug"))))
}

async fn joined(verb: &'static str, task: tokio::task::JoinHandle<Result<()>>) -> Result<()> {
    task.await.unwrap_or_else(|error| Err(Error::caused(Kind::Internal, format!("{verb}: task lost"), error)))
}

#[cfg(test)]
mod tests;
