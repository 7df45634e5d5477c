//! Berth's own service beside CRI on the same socket: what CRI has no words for.
use std::{pin::Pin, sync::Arc};

use imagestore::Progress;
use proto::{
    berth::{PullPhase, PullProgressEvent, PullProgressRequest, berth_server},
    cri,
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status};

use super::status::status;
use crate::{ctx::Ctx, image};

#[derive(Debug)]
pub(super) struct Berth {
    cx: Arc<Ctx>,
}

impl Berth {
    pub(super) fn new(cx: Arc<Ctx>) -> Self {
        Self { cx }
    }
}

/// Events a watcher may be behind; older ones are of no interest, so what does not fit is left out.
const BACKLOG: usize = 64;

type Events = Pin<Box<dyn Stream<Item = Result<PullProgressEvent, Status>> + Send>>;

#[tonic::async_trait]
impl berth_server::Berth for Berth {
    type PullProgressStream = Events;

    async fn pull_progress(&self, request: Request<PullProgressRequest>) -> Result<Response<Events>, Status> {
        let PullProgressRequest { image, auth } = request.into_inner();
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let (cx, watcher) = (self.cx.clone(), sender.clone());
        let listener: image::pull::Listener = Arc::new(move |progress| {
            // A watcher that is slow misses some; one that is gone ends the pull below.
            let _ = watcher.try_send(Ok(event(progress)));
        });
        tokio::spawn(async move {
            let asked = Some(cri::ImageSpec { image, ..cri::ImageSpec::default() });
            let pulled = tokio::select! {
                pulled = image::pull::pull(&cx, asked, auth, Some(listener)) => pulled,
                () = sender.closed() => return,
            };
            let last = pulled
                .map(|image_ref| PullProgressEvent {
                    image_ref,
                    phase: PullPhase::Done.into(),
                    ..Default::default()
                })
                .map_err(|error| status("PullProgress", &error));
            let _ = sender.send(last).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

fn event(progress: Progress) -> PullProgressEvent {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    PullProgressEvent {
        phase: PullPhase::Fetching.into(),
        done_bytes: progress.bytes_done,
        total_bytes: progress.bytes_total,
        layers_done: count(progress.layers_done),
        layers_total: count(progress.layers_total),
        ..PullProgressEvent::default()
    }
}
