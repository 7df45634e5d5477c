//! Server-streaming answers: lists in chunks, so that none meets gRPC's message limit, and events as they come.
use std::{pin::Pin, sync::Arc};

use prost::Message;
use proto::cri;
use tokio::sync::broadcast;
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, errors::BroadcastStreamRecvError},
};
use tonic::{Response, Status};

use crate::ctx::Ctx;

pub(super) type Streamed<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

/// A message ends with the item that makes it this long: far below gRPC's limit of 16 MiB even when that item carries the
/// largest annotations kubelet allows (256 KiB).
const CHUNK_BYTES: usize = 256 << 10;

/// Sends a list as messages of some items each; an empty list as no message.
pub(super) fn chunks<I, T>(
    items: Vec<I>,
    message: impl Fn(Vec<I>) -> T + Send + 'static,
) -> Response<Streamed<T>>
where
    I: Message + 'static,
    T: Send + 'static,
{
    let mut items = items.into_iter();
    let next = move || {
        let chunk = chunk(&mut items);
        (!chunk.is_empty()).then(|| Ok(message(chunk)))
    };
    Response::new(Box::pin(tokio_stream::iter(std::iter::from_fn(next))))
}

fn chunk<I: Message>(items: &mut impl Iterator<Item = I>) -> Vec<I> {
    let (mut chunk, mut length) = (Vec::new(), 0);
    while length < CHUNK_BYTES
        && let Some(item) = items.next()
    {
        length += item.encoded_len();
        chunk.push(item);
    }
    chunk
}

/// Events from now on. A listener that falls too far behind is told so and let go: what it missed it learns by a list, which
/// kubelet makes whenever its stream ends.
pub(super) fn events(cx: &Arc<Ctx>) -> Response<Streamed<cri::ContainerEventResponse>> {
    let cx = cx.clone();
    let (events, shutdown) = (cx.events.subscribe(), cx.events.shutdown());
    let events = until_lagged(events, move |lost| {
        cx.events.count_dropped(lost);
        tracing::warn!(lost, "an event listener was too slow and is let go");
    });
    // The server ends when the last answer has, and this one has no end of its own.
    Response::new(Box::pin(futures_util::StreamExt::take_until(events, shutdown.cancelled_owned())))
}

fn until_lagged<T: Clone + Send + 'static>(
    events: broadcast::Receiver<T>,
    dropped: impl Fn(u64) + Send + 'static,
) -> impl Stream<Item = std::result::Result<T, Status>> + Send {
    let mut ended = false;
    BroadcastStream::new(events).map_while(move |event| {
        if ended {
            return None;
        }
        Some(event.map_err(|BroadcastStreamRecvError::Lagged(lost)| {
            ended = true;
            dropped(lost);
            Status::data_loss(format!(
                "GetContainerEvents: the listener was too slow, {lost} events were dropped; listen again, then list"
            ))
        }))
    })
}

#[cfg(test)]
mod tests;
