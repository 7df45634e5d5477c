//! Exec and attach: hand the client's streams to the backend, then tell the client how it ended.

use tokio::{io::AsyncWriteExt, sync::mpsc};

use super::{protocol::Command, resize, status::Outcome};
use crate::{AttachRequest, Backend, BoxRead, BoxWrite, ExecRequest, Io};

/// The streams of one session, as its wire collected them.
pub(crate) struct Streams {
    pub(crate) stdin: Option<BoxRead>,
    pub(crate) stdout: Option<BoxWrite>,
    pub(crate) stderr: Option<BoxWrite>,
    pub(crate) resize: Option<BoxRead>,
    /// Where the end is told.
    pub(crate) error: BoxWrite,
}

/// Which streams the client must open before work begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) resize: bool,
}

/// One of the two verbs that connect a client to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Exec(ExecRequest),
    Attach(AttachRequest),
}

impl Verb {
    /// A terminal has one output, so it has no stderr of its own.
    pub(crate) fn wanted(&self, protocol: Command) -> Wanted {
        let (stdin, stdout, stderr, tty) = match self {
            Self::Exec(r) => (r.stdin, r.stdout, r.stderr, r.tty),
            Self::Attach(r) => (r.stdin, r.stdout, r.stderr, r.tty),
        };
        Wanted { stdin, stdout, stderr: stderr && !tty, resize: tty && protocol.resizes() }
    }
}

/// Runs the verb to its end and reports it. Dropping the future ends everything that belongs to it.
pub(crate) async fn run(backend: &dyn Backend, verb: Verb, protocol: Command, streams: Streams) {
    let Streams { stdin, stdout, stderr, resize, mut error } = streams;
    let (sizes, receiver) = mpsc::channel(1);
    let io = Io { stdin, stdout, stderr, resize: receiver };
    let work = async {
        match verb {
            Verb::Exec(request) => backend.exec(request, io).await.map(Outcome::Exited),
            Verb::Attach(request) => backend.attach(request, io).await.map(|()| Outcome::Exited(0)),
        }
    };
    let resizing = async {
        match resize {
            Some(stream) => resize::relay(stream, sizes).await,
            None => drop(sizes),
        }
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! {
        result = work => result.unwrap_or_else(|error| Outcome::Failed(error.to_string())),
        () = resizing => return,
    };
    tracing::debug!(?outcome, "streaming session ends");
    // A client that is gone needs no news.
    let _ = error.write_all(&outcome.encode(protocol)).await;
    let _ = error.shutdown().await;
}
