//! What the server asks of the daemon: run a command, attach, connect to a port of a pod.

use std::pin::Pin;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// A reader the session owns; end of file means that the client closed that direction.
pub type BoxRead = Pin<Box<dyn AsyncRead + Send>>;
/// A writer the session owns; `shutdown` tells the client that nothing more follows.
pub type BoxWrite = Pin<Box<dyn AsyncWrite + Send>>;

/// A connected two-way byte stream; `shutdown` must half-close (as TCP's does).
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The work behind the streaming endpoints.
///
/// Every future belongs to one client connection: it is **dropped** when the client goes away, when the
/// session has been idle too long, and when the server shuts down. Whatever has to be undone then
/// (a process to kill) must not depend on the future being polled again.
pub trait Backend: Send + Sync + 'static {
    /// Runs a command in a container until it exits; gives its exit code.
    ///
    /// Return only when the last byte of output was written to `io`; the session then ends the streams.
    fn exec(&self, request: ExecRequest, io: Io) -> BoxFuture<'static, Result<i32, BackendError>>;

    /// Connects the client to the streams of a container's main process until that exits.
    fn attach(&self, request: AttachRequest, io: Io) -> BoxFuture<'static, Result<(), BackendError>>;

    /// Connects to `port` on the pod's localhost (IPv4, then IPv6).
    fn port_forward(
        &self,
        pod: String,
        port: u16,
    ) -> BoxFuture<'static, Result<Box<dyn Duplex>, BackendError>>;
}

/// What `exec` is to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecRequest {
    /// Full id of the container.
    pub container_id: String,
    /// Program and arguments.
    pub cmd: Vec<String>,
    /// Whether the client sends standard input.
    pub stdin: bool,
    /// Whether the client wants standard output.
    pub stdout: bool,
    /// Whether the client wants standard error; never together with `tty`.
    pub stderr: bool,
    /// Whether the command gets a terminal.
    pub tty: bool,
}

/// What `attach` is to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttachRequest {
    /// Full id of the container.
    pub container_id: String,
    /// Whether the client sends standard input.
    pub stdin: bool,
    /// Whether the client wants standard output.
    pub stdout: bool,
    /// Whether the client wants standard error; never together with `tty`.
    pub stderr: bool,
    /// Whether the container's main process has a terminal.
    pub tty: bool,
}

/// Which pod's ports the client may reach.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortForwardRequest {
    /// Full id of the pod.
    pub pod_id: String,
    /// The ports the client may ask for; empty means any.
    pub ports: Vec<u16>,
}

/// The client's ends of a session's streams; a stream that was not asked for is `None`.
pub struct Io {
    /// Ends when the client closes its standard input.
    pub stdin: Option<BoxRead>,
    /// Fails with `BrokenPipe` when the client no longer reads.
    pub stdout: Option<BoxWrite>,
    /// As `stdout`; `None` for a terminal, whose output is all on `stdout`.
    pub stderr: Option<BoxWrite>,
    /// New sizes of the client's terminal; sizes that were not fetched in time are replaced by newer ones.
    pub resize: mpsc::Receiver<TerminalSize>,
}

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Io")
            .field("stdin", &self.stdin.is_some())
            .field("stdout", &self.stdout.is_some())
            .field("stderr", &self.stderr.is_some())
            .finish_non_exhaustive()
    }
}

/// Size of a terminal in characters, as the resize stream carries it (`{"Width":80,"Height":24}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Columns.
    #[serde(rename = "Width", alias = "width")]
    pub width: u16,
    /// Rows.
    #[serde(rename = "Height", alias = "height")]
    pub height: u16,
}

/// Why the daemon could not do it. The text is shown to the client, so it must hold no secrets of the host.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    message: String,
}

impl BackendError {
    /// An error with the text the client will see.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
