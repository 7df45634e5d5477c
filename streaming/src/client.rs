//! The client's side of the streaming endpoints, for the command line and for tests.

mod command;
mod forward;
mod upgrade;

use std::io;

pub use command::{ClientIo, attach, exec};
pub use forward::{Forwarded, PortForwarder, port_forward};

/// Why a session failed, from the client's point of view.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is not one a streaming server gives out.
    #[error("{url:?} is not an http URL")]
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
    /// The HTTP exchange before the session failed.
    #[error("upgrade the connection")]
    Http(#[source] hyper::Error),
    /// The server did not change to SPDY.
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
