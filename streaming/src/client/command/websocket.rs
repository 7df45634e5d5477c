//! Exec and attach over WebSocket.

use std::time::Duration;

use tokio::{io::DuplexStream, time};

use super::{ClientIo, Remote, talk};
use crate::{
    BoxRead, BoxWrite,
    client::{ClientError, Way, upgrade},
    over_spdy,
    over_websocket::channel::{ERROR, RESIZE, STDERR, STDIN, STDOUT},
    session::status::Outcome,
    websocket::{Channels, Dialect, Role},
};

/// How long a server may take to close a session whose end it has told.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) async fn session(way: &Way, url: &str, io: ClientIo) -> Result<Outcome, ClientError> {
    let opened = upgrade::open(way, url, &Dialect::ALL.map(|(name, _)| name)).await?;
    let chosen = opened.protocol.as_deref();
    let dialect = Dialect::ALL
        .into_iter()
        .find(|(name, _)| Some(*name) == chosen)
        .map_or(Dialect::OLDEST, |(_, dialect)| dialect);
    let mut channels = Channels::new(dialect, Role::Client);
    let remote = Remote {
        error: input(channels.input(ERROR)),
        stdin: io.stdin.is_some().then(|| (output(channels.output(STDIN)), None)),
        stdout: io.stdout.is_some().then(|| input(channels.input(STDOUT))),
        stderr: io.stderr.is_some().then(|| input(channels.input(STDERR))),
        resize: io.resize.is_some().then(|| output(channels.output(RESIZE))),
    };
    let mut connection = std::pin::pin!(channels.run(opened.socket, opened.ahead, over_spdy::IDLE));
    let mut talk = std::pin::pin!(talk(remote, io, dialect.status));
    let early = tokio::select! {
        biased;
        outcome = &mut talk => {
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

fn input(pipe: DuplexStream) -> BoxRead {
    Box::pin(pipe)
}

fn output(pipe: DuplexStream) -> BoxWrite {
    Box::pin(pipe)
}
