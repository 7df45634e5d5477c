//! Exec, attach and port-forward over HTTP: the server kubelet is redirected to, and a client for it.
//!
//! ```text
//! client ──HTTP/1.1 GET|POST /{exec,attach,portforward}/TOKEN, Upgrade: SPDY/3.1──► server  (http, upgrade)
//!        ◄─101, X-Stream-Protocol-Version─                                            │
//!        ◄═════════════ SPDY/3.1 frames on the same connection ═════════════►  spdy   │ wire
//!                                                                             session │ what the streams mean
//!                                                                             Backend │ what the daemon does
//! ```
//! `session` knows streams as boxed readers and writers, never SPDY; a second wire (WebSocket) plugs in beside
//! `spdy` without touching it. This crate knows neither CRI nor the daemon.

mod backend;
pub mod client;
mod over_spdy;
mod server;
mod session;
mod spdy;
mod token;
mod upgrade;

pub use backend::{
    AttachRequest, Backend, BackendError, BoxRead, BoxWrite, Duplex, ExecRequest, Io, PortForwardRequest,
    TerminalSize,
};
pub use server::{Server, UrlError};
