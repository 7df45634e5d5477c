//! One interactive session with a program: local terminal and streams on this side, a streaming URL on the other.

use std::{io, sync::Arc};

use streaming::client::{self, ClientError, ClientIo, Way};
use tokio::sync::Notify;

use crate::{
    detach,
    failure::Result,
    stdio::{self, Output},
    terminal::Interactive,
};

/// Which streams the session has; they must be those the URL was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    pub(crate) tty: bool,
    /// Whether the program's output comes through the session.
    pub(crate) output: bool,
    /// Whether Ctrl-P Ctrl-Q leaves the program running and ends the session.
    pub(crate) detachable: bool,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The exit code; 0 for an attached program, whose code the container tells.
    Exited(i32),
    /// The person left.
    Detached,
}

/// Connects our standard streams to the program behind `url` until it ends.
pub(crate) async fn run(way: &Way, url: &str, streams: Streams) -> Result<End> {
    let left = Arc::new(Notify::new());
    let mut io = ClientIo::default();
    let mut outputs = Vec::new();
    if streams.output {
        let (output, sink) = Output::start(io::stdout())?;
        outputs.push(output);
        io.stdout = Some(sink);
        if !streams.tty {
            let (output, sink) = Output::start(io::stderr())?;
            outputs.push(output);
            io.stderr = Some(sink);
        }
    }
    let terminal = if streams.tty {
        let (terminal, sizes) = Interactive::start()?;
        io.resize = Some(sizes);
        Some(terminal)
    } else {
        None
    };
    if streams.stdin {
        let input = stdio::input()?;
        let escapable = streams.detachable && streams.tty;
        io.stdin = Some(if escapable { detach::watch(input, Arc::clone(&left)) } else { input });
    }
    let end = tokio::select! {
        ended = client::exec_by(way, url, io) => ended.map(End::Exited),
        () = left.notified() => Ok(End::Detached),
    };
    // Both before anything is said to the person: the rest of the output, then the terminal as it was.
    for output in outputs {
        output.finish()?;
    }
    drop(terminal);
    end.map_err(ClientError::into)
}
