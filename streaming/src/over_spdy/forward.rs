//! Port-forward over SPDY: a pair of streams, error and data, for each connection; many at once.

use std::{
    collections::HashMap,
    future::pending,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, task::JoinSet, time};

use super::{
    CREATION,
    header::{PORT, REQUEST_ID, STREAM_TYPE},
};
use crate::{
    Backend, PortForwardRequest,
    session::forward::{self, End},
    spdy::{Connection, Error, Handle, Stream},
};

/// Five hundred connections at once through one session.
pub(crate) const MAX_STREAMS: usize = 1000;
/// Clients count requests: "0", "1", …
const MAX_REQUEST_ID: usize = 64;
/// How often half pairs are looked through for old ones.
const SWEEP: Duration = Duration::from_secs(5);

/// Serves one session until the client is gone; its connections end with it.
pub(crate) async fn serve(
    connection: Connection,
    handle: Handle,
    backend: Arc<dyn Backend>,
    request: PortForwardRequest,
) -> Result<(), Error> {
    let session = async {
        let mut pairs =
            Pairs { backend, request: Arc::new(request), waiting: HashMap::new(), tasks: JoinSet::new() };
        pairs.accept_all(&handle).await;
        while pairs.tasks.join_next().await.is_some() {}
        handle.finish();
        pending().await
    };
    tokio::select! {
        result = connection.run() => result,
        () = session => Ok(()),
    }
}

/// The connections of a session: those under way, and those of which one stream is missing.
struct Pairs {
    backend: Arc<dyn Backend>,
    request: Arc<PortForwardRequest>,
    waiting: HashMap<String, Half>,
    /// Dropped, and thereby aborted, with the session.
    tasks: JoinSet<()>,
}

/// The stream of a pair that came first.
struct Half {
    kind: Kind,
    stream: Stream,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Data,
    Error,
}

impl Pairs {
    /// Until the client says that it opens no more.
    async fn accept_all(&mut self, handle: &Handle) {
        let mut sweep = time::interval(SWEEP);
        loop {
            tokio::select! {
                stream = handle.accept() => match stream {
                    Some(stream) => self.add(stream),
                    None => return,
                },
                Some(_) = self.tasks.join_next() => {}
                _ = sweep.tick(), if !self.waiting.is_empty() => {
                    self.waiting.retain(|_, half| half.since.elapsed() < CREATION);
                }
            }
        }
    }

    /// Starts a connection when its second stream comes. What makes no sense is dropped and thereby reset.
    fn add(&mut self, stream: Stream) {
        let Some((kind, id)) = identify(&stream) else {
            tracing::debug!(stream = stream.id(), "port-forward stream without sense");
            return;
        };
        let Some(other) = self.waiting.remove(&id) else {
            self.waiting.insert(id, Half { kind, stream, since: Instant::now() });
            return;
        };
        let (data, error) = match (kind, other.kind) {
            (Kind::Data, Kind::Error) => (stream, other.stream),
            (Kind::Error, Kind::Data) => (other.stream, stream),
            (Kind::Data, Kind::Data) | (Kind::Error, Kind::Error) => {
                self.waiting.insert(id, other);
                return;
            }
        };
        let Some(port) = data.header(PORT).and_then(|port| port.parse().ok()).filter(|port| *port != 0)
        else {
            return;
        };
        let (backend, request) = (Arc::clone(&self.backend), Arc::clone(&self.request));
        self.tasks.spawn(async move { forward(&*backend, &request, port, data, error).await });
    }
}

async fn forward(
    backend: &dyn Backend,
    request: &PortForwardRequest,
    port: u16,
    mut data: Stream,
    error: Stream,
) {
    let (_, mut error) = error.split();
    if !request.ports.is_empty() && !request.ports.contains(&port) {
        let text = format!("port {port} is not one this session was opened for");
        // If this fails the client is gone.
        let _ = error.write_all(text.as_bytes()).await;
        return;
    }
    if forward::run(backend, &request.pod_id, port, &mut data, error).await == End::Broken {
        data.reset();
    }
}

/// What the stream is and which pair it belongs to. Clients before Kubernetes 1.4 send no id; they open the data
/// stream right after the error stream.
fn identify(stream: &Stream) -> Option<(Kind, String)> {
    let kind = match stream.header(STREAM_TYPE)? {
        "data" => Kind::Data,
        "error" => Kind::Error,
        _ => return None,
    };
    let id = match (stream.header(REQUEST_ID), kind) {
        (Some(id), _) if id.len() <= MAX_REQUEST_ID => id.to_owned(),
        (Some(_), _) => return None,
        (None, Kind::Error) => format!("stream {}", stream.id()),
        (None, Kind::Data) => format!("stream {}", stream.id().checked_sub(2)?),
    };
    Some((kind, id))
}
