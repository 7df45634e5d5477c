//! Exec, attach and port-forward over HTTP: the server kubelet is redirected to, and a client for it.
//!
//! ```text
//! client ──HTTP/1.1 GET|POST /{exec,attach,portforward}/TOKEN, Upgrade: SPDY/3.1 or websocket──► server (upgrade)
//!        ◄─101, and the subprotocol─                                                             │
//!        ◄════════ SPDY/3.1 frames, or WebSocket messages, on the same connection ════════►  spdy, websocket   wire
//!                                                             over_spdy, over_websocket   streams of a session
//!                                                                                session   what they mean
//!                                                                                Backend   what the daemon does
//! ```
//! `session` knows streams as boxed readers and writers, never their wire. Port-forward over WebSocket is SPDY in a
//! tunnel. This crate knows neither CRI nor the daemon.

mod backend;
pub mod client;
mod over_spdy;
mod over_websocket;
mod server;
mod session;
mod socket;
mod spdy;
pub mod tls;
mod token;
mod upgrade;
mod websocket;

pub use backend::{
    AttachRequest, Backend, BackendError, BoxRead, BoxWrite, Duplex, ExecRequest, Io, PortForwardRequest,
    TerminalSize,
};
pub use server::{Server, UrlError};
