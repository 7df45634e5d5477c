//! Exec and attach as a client.

mod spdy;
mod websocket;

use std::{pin::pin, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time,
};

use super::{ClientError, Way, Wire};
use crate::{
    BoxRead, BoxWrite, TerminalSize,
    session::{protocol::Command, status::Outcome},
};

/// Of a status; the server's words for a person.
const MAX_STATUS: u64 = 64 * 1024;
/// How long a server may take to close a session whose end it has told.
const FAREWELL: Duration = Duration::from_secs(2);

/// The local ends of a session. What is `None` must be what the URL was asked for without.
#[derive(Default)]
pub struct ClientIo {
    /// Sent to the program until its end, which the program sees too.
    pub stdin: Option<BoxRead>,
    /// Where the program's standard output (or its terminal's output) goes.
    pub stdout: Option<BoxWrite>,
    /// Where the program's standard error goes; `None` with a terminal.
    pub stderr: Option<BoxWrite>,
    /// Sizes of the local terminal; `Some` if and only if the session has a terminal.
    pub resize: Option<mpsc::Receiver<TerminalSize>>,
}

impl std::fmt::Debug for ClientIo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientIo").field("tty", &self.resize.is_some()).finish_non_exhaustive()
    }
}

/// Runs the command behind an exec URL; gives its exit code.
pub async fn exec(url: &str, io: ClientIo) -> Result<i32, ClientError> {
    exec_by(&Way::default(), url, io).await
}

/// As `exec`, by a way of one's choice.
pub async fn exec_by(way: &Way, url: &str, io: ClientIo) -> Result<i32, ClientError> {
    let outcome = match way.wire {
        Wire::Spdy => spdy::session(way, url, io).await?,
        Wire::WebSocket => websocket::session(way, url, io).await?,
    };
    match outcome {
        Outcome::Exited(code) => Ok(code),
        Outcome::Failed(text) => Err(ClientError::Remote(text)),
    }
}

/// Stays connected to the process behind an attach URL until it ends or detaches.
pub async fn attach(url: &str, io: ClientIo) -> Result<(), ClientError> {
    attach_by(&Way::default(), url, io).await
}

/// As `attach`, by a way of one's choice.
pub async fn attach_by(way: &Way, url: &str, io: ClientIo) -> Result<(), ClientError> {
    exec_by(way, url, io).await.map(drop)
}

/// The far ends of a session, as its wire opened them; those the client has no use for are `None`.
struct Remote {
    error: BoxRead,
    /// With what ends when the program reads no more, if the wire tells that.
    stdin: Option<(BoxWrite, Option<BoxRead>)>,
    stdout: Option<BoxRead>,
    stderr: Option<BoxRead>,
    resize: Option<BoxWrite>,
}

/// The outcome of what is talked over a connection; `finish` tells the connection that nothing more is sent.
async fn settle<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    connection: impl Future<Output = Result<(), E>>,
    talk: impl Future<Output = Result<Outcome, ClientError>>,
    finish: impl FnOnce(),
) -> Result<Outcome, ClientError> {
    let (mut connection, mut talk) = (pin!(connection), pin!(talk));
    let early = tokio::select! {
        biased;
        outcome = &mut talk => {
            finish();
            // Only so that the server sees an end, not a reset; the outcome is known already.
            let _ = time::timeout(FAREWELL, connection).await;
            return outcome;
        }
        ended = &mut connection => ended.err(),
    };
    // The connection is over, but what it brought may still be read.
    match (talk.await, early) {
        (Err(ClientError::Lost(_)), cause) => Err(ClientError::Lost(cause.map(Into::into))),
        (outcome, _) => outcome,
    }
}

/// Moves bytes until the outputs and the error stream have ended.
async fn talk(remote: Remote, io: ClientIo, protocol: Command) -> Result<Outcome, ClientError> {
    let outputs = async {
        tokio::try_join!(
            output(io.stdout.zip(remote.stdout)),
            output(io.stderr.zip(remote.stderr)),
            status(remote.error, protocol)
        )
    };
    let inputs = async {
        tokio::join!(send_input(io.stdin.zip(remote.stdin)), send_sizes(io.resize.zip(remote.resize)));
        std::future::pending().await
    };
    tokio::select! {
        result = outputs => result.map(|((), (), outcome)| outcome),
        () = inputs => Err(ClientError::Lost(None)),
    }
}

fn lost(cause: Box<dyn std::error::Error + Send + Sync>) -> ClientError {
    ClientError::Lost(Some(cause))
}

/// Copies until the program closes the stream. A local sink that breaks only loses output.
async fn output(stream: Option<(BoxWrite, BoxRead)>) -> Result<(), ClientError> {
    let Some((mut sink, mut stream)) = stream else { return Ok(()) };
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let n = stream.read(&mut chunk).await.map_err(|error| lost(error.into()))?;
        let Some(bytes @ [_, ..]) = chunk.get(..n) else { break };
        if sink.write_all(bytes).await.is_err() || sink.flush().await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn status(error: BoxRead, protocol: Command) -> Result<Outcome, ClientError> {
    let mut text = Vec::new();
    error.take(MAX_STATUS).read_to_end(&mut text).await.map_err(|error| lost(error.into()))?;
    // From the fourth version on success is told too, so silence means that the end was not reached.
    if text.is_empty() && protocol >= Command::V4 {
        return Err(ClientError::Lost(None));
    }
    Ok(Outcome::decode(protocol, &text))
}

/// Sends until either side ends; the program then sees the end of its input.
async fn send_input(input: Option<(BoxRead, (BoxWrite, Option<BoxRead>))>) {
    let Some((mut source, (mut stream, closed))) = input else { return };
    let watch = async {
        match closed {
            // Nothing comes this way: the end means that the program reads no more.
            Some(mut closed) => drop(closed.read(&mut [0]).await),
            None => std::future::pending().await,
        }
    };
    let copy = async {
        let _ = tokio::io::copy(&mut source, &mut stream).await;
        let _ = stream.shutdown().await;
    };
    tokio::select! {
        () = watch => {}
        () = copy => {}
    }
}

async fn send_sizes(sizes: Option<(mpsc::Receiver<TerminalSize>, BoxWrite)>) {
    let Some((mut sizes, mut stream)) = sizes else { return };
    while let Some(size) = sizes.recv().await {
        let Ok(mut line) = serde_json::to_vec(&size) else { return };
        line.push(b'\n');
        if stream.write_all(&line).await.is_err() {
            return;
        }
    }
    // A terminal whose sizes end still lives: the stream stays open until the session is over.
    std::future::pending().await
}
