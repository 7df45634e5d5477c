//! Exec and attach over SPDY: the client opens a stream for each of error, stdin, stdout, stderr and resize.

use std::{future::pending, sync::Arc};

use tokio::time;

use super::{CREATION, header::STREAM_TYPE};
use crate::{
    Backend, BoxWrite,
    session::{
        command::{self, Streams, Verb, Wanted},
        protocol::Command,
    },
    spdy::{Connection, Error, Handle, Stream},
};

/// The five a session can have, and some for clients that open what they need not.
pub(crate) const MAX_STREAMS: usize = 8;

/// Serves one session until it is over and the client has read the end, or the client is gone.
pub(crate) async fn serve(
    connection: Connection,
    handle: Handle,
    backend: Arc<dyn Backend>,
    verb: Verb,
    protocol: Command,
) -> Result<(), Error> {
    let session = async {
        match time::timeout(CREATION, collect(&handle, verb.wanted(protocol))).await {
            Ok(Some(streams)) => {
                handle.refuse_streams();
                command::run(&*backend, verb, protocol, streams).await;
            }
            Ok(None) => {}
            Err(_) => tracing::debug!("client did not open its streams in time"),
        }
        handle.finish();
        pending().await
    };
    tokio::select! {
        result = connection.run() => result,
        () = session => Ok(()),
    }
}

#[derive(Default)]
struct Collected {
    error: Option<Stream>,
    stdin: Option<Stream>,
    stdout: Option<Stream>,
    stderr: Option<Stream>,
    resize: Option<Stream>,
}

impl Collected {
    /// Keeps a stream the session wants; others, and second ones of a kind, are dropped and thereby reset.
    fn keep(&mut self, stream: Stream, wanted: Wanted) {
        let place = match stream.header(STREAM_TYPE) {
            Some("error") => &mut self.error,
            Some("stdin") if wanted.stdin => &mut self.stdin,
            Some("stdout") if wanted.stdout => &mut self.stdout,
            Some("stderr") if wanted.stderr => &mut self.stderr,
            Some("resize") if wanted.resize => &mut self.resize,
            _ => return,
        };
        place.get_or_insert(stream);
    }

    fn complete(&self, wanted: Wanted) -> bool {
        self.error.is_some()
            && self.stdin.is_some() == wanted.stdin
            && self.stdout.is_some() == wanted.stdout
            && self.stderr.is_some() == wanted.stderr
            && self.resize.is_some() == wanted.resize
    }
}

/// `None` when the client leaves before it has opened all.
async fn collect(handle: &Handle, wanted: Wanted) -> Option<Streams> {
    let mut found = Collected::default();
    while !found.complete(wanted) {
        found.keep(handle.accept().await?, wanted);
    }
    Some(Streams {
        // Whole streams: to a client, the end of our direction of stdin means that the program reads no more.
        stdin: found.stdin.map(|stream| Box::pin(stream) as _),
        resize: found.resize.map(|stream| Box::pin(stream) as _),
        stdout: found.stdout.map(output),
        stderr: found.stderr.map(output),
        error: output(found.error?),
    })
}

/// What the client says on an output stream is nothing to us.
fn output(stream: Stream) -> BoxWrite {
    let (_, writer) = stream.split();
    Box::pin(writer)
}
