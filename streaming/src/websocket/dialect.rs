//! The subprotocols of exec and attach over WebSocket (`Sec-WebSocket-Protocol`).

use crate::session::protocol::Command;

/// Of port-forward: the bytes of a SPDY/3.1 connection, in binary messages of any size.
pub(crate) const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// How channels are written, and what can be said on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) coding: Coding,
    /// Whether channel 255 closes the channel its one byte names.
    pub(crate) closes: bool,
    /// How the end is told on the error channel.
    pub(crate) status: Command,
}

/// How a message is made of a channel's number and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// A byte with the number, then the bytes.
    Binary,
    /// Text: the number as a digit, then the bytes in base64.
    Base64,
}

impl Dialect {
    /// The first Kubernetes had, and spoken with a client that names none.
    pub(crate) const OLDEST: Self = Self { coding: Coding::Binary, closes: false, status: Command::V1 };
    /// Adds the status in JSON.
    pub(crate) const V4: Self = Self { status: Command::V4, ..Self::OLDEST };
    /// Adds the signal that closes a channel.
    pub(crate) const V5: Self = Self { closes: true, ..Self::V4 };

    /// Best first.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("v5.channel.k8s.io", Self::V5),
        ("v4.channel.k8s.io", Self::V4),
        ("v4.base64.channel.k8s.io", Self { coding: Coding::Base64, ..Self::V4 }),
        ("channel.k8s.io", Self::OLDEST),
        ("base64.channel.k8s.io", Self { coding: Coding::Base64, ..Self::OLDEST }),
    ];
}
