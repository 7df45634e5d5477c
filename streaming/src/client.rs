//! The client's side of the streaming endpoints, for the command line and for tests.

mod command;
mod forward;
mod upgrade;

use std::{io, sync::Arc};

pub use command::{ClientIo, attach, attach_by, exec, exec_by};
pub use forward::{Forwarded, PortForwarder, port_forward, port_forward_by};

/// The way a session takes.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// What is spoken on it.
    pub wire: Wire,
    /// Whom to trust behind an https URL; without it, none can be used.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// What carries the streams of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// SPDY/3.1, which kubelet speaks.
    #[default]
    Spdy,
    /// WebSocket: channels, or for port-forward a tunnel.
    WebSocket,
}

/// Why a session failed, from the client's point of view.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is not one a streaming server gives out.
    #[error("{url:?} is not an http URL, nor an https URL whose server can be verified")]
    Url {
        /// As it was given.
        url: String,
    },
    /// Nobody answers there.
    #[error("connect to {address}")]
    Connect {
        /// Host and port.
        address: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The server's certificate, or its TLS, is not to be trusted.
    #[error("TLS with {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// What was wrong.
        #[source]
        source: io::Error,
    },
    /// The HTTP exchange before the session failed.
    #[error("upgrade the connection")]
    Http(#[source] hyper::Error),
    /// The server did not change to SPDY or WebSocket.
    #[error("the server refuses: {status} {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The body of its answer.
        text: String,
    },
    /// The session broke off before its end was known.
    #[error("the connection was lost")]
    Lost(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// The server could not do it; its words.
    #[error("{0}")]
    Remote(String),
}
