//! The local terminal in interactive sessions: raw mode, and its size as it changes.

use std::io::{self, IsTerminal};

use streaming::TerminalSize;
use sys::raw_mode::RawMode;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
};

use crate::failure::{Failure, Result};

/// Fails, with advice, where there is no terminal to take.
pub(crate) fn require() -> Result {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::new("-t needs a terminal as standard input")
        .or_try("without -t; -i alone passes a pipe or a file on"))
}

/// A terminal whose keys go to the program as they are. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub(crate) struct Interactive {
    _raw: RawMode,
    watch: JoinHandle<()>,
}

impl Interactive {
    /// Takes the terminal that standard input is; sizes arrive at the receiver, the present one first.
    pub(crate) fn start() -> Result<(Self, mpsc::Receiver<TerminalSize>)> {
        require()?;
        let mut changes = signal(SignalKind::window_change())?;
        let raw = RawMode::enter(io::stdin())?;
        let (sender, receiver) = mpsc::channel(1);
        let watch = tokio::spawn(async move {
            loop {
                if let Ok((width, height)) = sys::tty::size(io::stdin())
                    && sender.send(TerminalSize { width, height }).await.is_err()
                {
                    return;
                }
                if changes.recv().await.is_none() {
                    return;
                }
            }
        });
        Ok((Self { _raw: raw, watch }, receiver))
    }
}

impl Drop for Interactive {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
