//! Exec and attach over SPDY.

use super::{ClientIo, Remote, lost, settle, talk};
use crate::{
    BoxRead, BoxWrite,
    client::{ClientError, Way, upgrade},
    over_spdy,
    over_spdy::header::STREAM_TYPE,
    session::{protocol::Command, status::Outcome},
    spdy::{self, Handle, Headers, Role, Stream},
};

/// The server opens none.
const MAX_STREAMS: usize = 0;

pub(super) async fn session(way: &Way, url: &str, io: ClientIo) -> Result<Outcome, ClientError> {
    let opened = upgrade::open(way, url, &Command::ALL.map(Command::name)).await?;
    let chosen = opened.protocol.as_deref();
    let protocol =
        Command::ALL.into_iter().find(|version| Some(version.name()) == chosen).unwrap_or(Command::V1);
    let alive = opened.socket.alive();
    let (connection, handle) =
        spdy::connect(opened.socket, alive, opened.ahead, Role::Client, MAX_STREAMS, over_spdy::IDLE);
    let remote = open_all(&handle, protocol, &io)?;
    settle(connection.run(), talk(remote, io, protocol), || handle.finish()).await
}

fn open_all(handle: &Handle, protocol: Command, io: &ClientIo) -> Result<Remote, ClientError> {
    let open = |kind: &str| {
        handle.open(Headers::default().with(STREAM_TYPE, kind)).map_err(|error| lost(error.into()))
    };
    let when = |wanted: bool, kind: &str| wanted.then(|| open(kind)).transpose();
    let error = open("error")?;
    let stdin = when(io.stdin.is_some(), "stdin")?;
    let stdout = when(io.stdout.is_some(), "stdout")?;
    let stderr = when(io.stderr.is_some(), "stderr")?;
    let resize = when(io.resize.is_some() && protocol.resizes(), "resize")?;
    Ok(Remote {
        error: reader(error),
        stdin: stdin.map(|stream| {
            let (closed, writer) = stream.split();
            (Box::pin(writer) as BoxWrite, Some(Box::pin(closed) as BoxRead))
        }),
        stdout: stdout.map(reader),
        stderr: stderr.map(reader),
        resize: resize.map(|stream| Box::pin(stream) as BoxWrite),
    })
}

fn reader(stream: Stream) -> BoxRead {
    Box::pin(stream)
}
