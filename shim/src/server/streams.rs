//! Server-streaming answers: lists in chunks, so that none meets gRPC's message limit, and events as they come.
use std::{pin::Pin, sync::Arc};

use proto::cri;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, errors::BroadcastStreamRecvError},
};
use tonic::{Response, Status};

use crate::ctx::Ctx;

pub(super) type Streamed<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

/// Items of one message: far below 16 MiB even when every item carries the largest annotations kubelet allows (256 KiB).
const CHUNK: usize = 32;

/// Sends a list as messages of a few items each; an empty list as no message.
pub(super) fn chunks<I, T>(
    items: Vec<I>,
    message: impl Fn(Vec<I>) -> T + Send + 'static,
) -> Response<Streamed<T>>
where
    I: Send + 'static,
    T: Send + 'static,
{
    let mut items = items.into_iter();
    let next = move || {
        let chunk: Vec<I> = items.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then(|| Ok(message(chunk)))
    };
    Response::new(Box::pin(tokio_stream::iter(std::iter::from_fn(next))))
}

/// Events from now on. A listener that fell behind goes on with the oldest event still kept, and the loss is logged.
pub(super) fn events(cx: &Arc<Ctx>) -> Response<Streamed<cri::ContainerEventResponse>> {
    let events = BroadcastStream::new(cx.events.subscribe()).filter_map(|event| match event {
        Ok(event) => Some(Ok(event)),
        Err(BroadcastStreamRecvError::Lagged(lost)) => {
            tracing::warn!(lost, "an event listener is too slow; events were dropped");
            None
        }
    });
    Response::new(Box::pin(events))
}
