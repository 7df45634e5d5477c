//! The closed list of everything that can wake the monitor, as the 64-bit tokens of epoll.

/// A number given to a container, connection, exec or attachment while it lives; never given twice.
pub(crate) type Id = u32;

/// Which of a container's two output streams. With a terminal there is only the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// SIGCHLD or SIGTERM is pending.
    Signals,
    /// berthd connects.
    Listener,
    /// A request, or the end of a connection.
    Connection(Id),
    /// A child that is on its way to its program.
    Handshake(Id),
    /// A container wrote, or closed its end.
    Output(Id, Stream),
    /// A container's standard input takes bytes again.
    Stdin(Id),
    /// An attached client typed, or closed its end (container, attachment).
    Feed(Id, Id),
    /// An attached client stopped listening (container, attachment).
    Tap(Id, Id),
}

impl Source {
    /// Kind in the top byte, container or other id in the low half, attachment (24 bits) between.
    pub(crate) fn token(self) -> u64 {
        let (kind, low, high) = match self {
            Self::Signals => (0, 0, 0),
            Self::Listener => (1, 0, 0),
            Self::Connection(id) => (2, id, 0),
            Self::Handshake(id) => (3, id, 0),
            Self::Output(id, Stream::Stdout) => (4, id, 0),
            Self::Output(id, Stream::Stderr) => (5, id, 0),
            Self::Stdin(id) => (6, id, 0),
            Self::Feed(id, attachment) => (7, id, attachment),
            Self::Tap(id, attachment) => (8, id, attachment),
        };
        kind << 56 | u64::from(high & 0x00ff_ffff) << 32 | u64::from(low)
    }

    /// `None` for a token that `token` never makes.
    pub(crate) fn of(token: u64) -> Option<Self> {
        let id = (token & 0xffff_ffff) as u32;
        let attachment = (token >> 32 & 0x00ff_ffff) as u32;
        Some(match token >> 56 {
            0 => Self::Signals,
            1 => Self::Listener,
            2 => Self::Connection(id),
            3 => Self::Handshake(id),
            4 => Self::Output(id, Stream::Stdout),
            5 => Self::Output(id, Stream::Stderr),
            6 => Self::Stdin(id),
            7 => Self::Feed(id, attachment),
            8 => Self::Tap(id, attachment),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
