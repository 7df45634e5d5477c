//! Exec and attach over WebSocket.

use tokio::io::DuplexStream;

use super::{ClientIo, Remote, settle, talk};
use crate::{
    BoxRead, BoxWrite,
    client::{ClientError, Way, upgrade},
    over_spdy,
    over_websocket::channel::{ERROR, RESIZE, STDERR, STDIN, STDOUT},
    session::status::Outcome,
    websocket::{Channels, Dialect, Role},
};

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
    let connection = channels.run(opened.socket, opened.ahead, over_spdy::IDLE);
    settle(connection, talk(remote, io, dialect.status), || ()).await
}

fn input(pipe: DuplexStream) -> BoxRead {
    Box::pin(pipe)
}

fn output(pipe: DuplexStream) -> BoxWrite {
    Box::pin(pipe)
}
