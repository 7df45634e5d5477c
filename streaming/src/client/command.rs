//! Exec and attach as a client.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time,
};

use super::{ClientError, upgrade};
use crate::{
    BoxRead, BoxWrite, TerminalSize, over_spdy,
    over_spdy::header::STREAM_TYPE,
    session::{protocol::Command, status::Outcome},
    spdy::{self, Handle, Headers, Role, Stream},
};

/// How long a server may take to close a session whose end it has told.
const FAREWELL: Duration = Duration::from_secs(2);
/// The server opens none.
const MAX_STREAMS: usize = 0;
/// Of a status; the server's words for a person.
const MAX_STATUS: u64 = 64 * 1024;

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
    match session(url, io).await? {
        Outcome::Exited(code) => Ok(code),
        Outcome::Failed(text) => Err(ClientError::Remote(text)),
    }
}

/// Stays connected to the process behind an attach URL until it ends or detaches.
pub async fn attach(url: &str, io: ClientIo) -> Result<(), ClientError> {
    exec(url, io).await.map(drop)
}

async fn session(url: &str, io: ClientIo) -> Result<Outcome, ClientError> {
    let opened = upgrade::open(url, &Command::ALL.map(Command::name)).await?;
    let chosen = opened.protocol.as_deref();
    let protocol =
        Command::ALL.into_iter().find(|version| Some(version.name()) == chosen).unwrap_or(Command::V1);
    let (connection, handle) =
        spdy::connect(opened.socket, opened.ahead, Role::Client, MAX_STREAMS, over_spdy::IDLE);
    let mut connection = std::pin::pin!(connection.run());
    let mut talk = std::pin::pin!(talk(&handle, protocol, io));
    let early = tokio::select! {
        biased;
        outcome = &mut talk => {
            handle.finish();
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

/// Opens the streams, moves bytes until the outputs and the error stream have ended.
async fn talk(handle: &Handle, protocol: Command, io: ClientIo) -> Result<Outcome, ClientError> {
    let ClientIo { stdin, stdout, stderr, resize } = io;
    let open = |kind: &str| {
        handle.open(Headers::default().with(STREAM_TYPE, kind)).map_err(|error| lost(error.into()))
    };
    let error = open("error")?;
    let input = stdin.map(|source| Ok((source, open("stdin")?))).transpose()?;
    let outputs = [(stdout, "stdout"), (stderr, "stderr")];
    let outputs = outputs.map(|(sink, kind)| sink.map(|sink| Ok((sink, open(kind)?))).transpose());
    let [stdout, stderr] = outputs;
    let (stdout, stderr) = (stdout?, stderr?);
    let sizes = match resize {
        Some(sizes) if protocol.resizes() => Some((sizes, open("resize")?)),
        Some(_) | None => None,
    };
    let outputs = async { tokio::try_join!(output(stdout), output(stderr), status(error, protocol)) };
    let inputs = async {
        tokio::join!(send_input(input), send_sizes(sizes));
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
async fn output(stream: Option<(BoxWrite, Stream)>) -> Result<(), ClientError> {
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

async fn status(error: impl AsyncRead + Unpin, protocol: Command) -> Result<Outcome, ClientError> {
    let mut text = Vec::new();
    error.take(MAX_STATUS).read_to_end(&mut text).await.map_err(|error| lost(error.into()))?;
    Ok(Outcome::decode(protocol, &text))
}

/// Sends until either side ends; the program then sees the end of its input.
async fn send_input(input: Option<(BoxRead, Stream)>) {
    let Some((mut source, stream)) = input else { return };
    let (mut closed, mut stream) = stream.split();
    let watch = async {
        // Nothing comes this way: the end means that the program reads no more.
        let _ = closed.read(&mut [0]).await;
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

async fn send_sizes(sizes: Option<(mpsc::Receiver<TerminalSize>, Stream)>) {
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
