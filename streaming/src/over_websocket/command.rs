//! Exec and attach over WebSocket: the streams are there from the beginning, one channel each.

use std::{future::pending, sync::Arc};

use bytes::Bytes;
use tokio::io::DuplexStream;

use super::channel::{ERROR, RESIZE, STDERR, STDIN, STDOUT};
use crate::{
    Backend, BoxRead, BoxWrite, over_spdy,
    session::{
        command::{self, Streams, Verb},
        protocol::Command,
    },
    socket::Socket,
    websocket::{Channels, Dialect, Error, Role},
};

/// Serves one session until it is over and the client has read the end, or the client is gone.
pub(crate) async fn serve(
    socket: Socket,
    ahead: Bytes,
    backend: Arc<dyn Backend>,
    verb: Verb,
    dialect: Dialect,
) -> Result<(), Error> {
    // Terminals could be resized from the beginning.
    let wanted = verb.wanted(Command::V4);
    let mut channels = Channels::new(dialect, Role::Server);
    let streams = Streams {
        stdin: wanted.stdin.then(|| input(channels.input(STDIN))),
        stdout: wanted.stdout.then(|| output(channels.output(STDOUT))),
        stderr: wanted.stderr.then(|| output(channels.output(STDERR))),
        resize: wanted.resize.then(|| input(channels.input(RESIZE))),
        error: output(channels.last_output(ERROR)),
    };
    channels.greet();
    let session = async {
        command::run(&*backend, verb, dialect.status, streams).await;
        pending().await
    };
    tokio::select! {
        result = channels.run(socket, ahead, over_spdy::IDLE) => result,
        () = session => Ok(()),
    }
}

fn input(pipe: DuplexStream) -> BoxRead {
    Box::pin(pipe)
}

fn output(pipe: DuplexStream) -> BoxWrite {
    Box::pin(pipe)
}
