//! The subprotocols a client and the server agree on (`X-Stream-Protocol-Version`).

/// How exec and attach report their end; each version adds to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    /// Error stream with plain text; also spoken when the client names no version.
    V1,
    /// As V1; clients may close their standard input.
    V2,
    /// Adds the resize stream.
    V3,
    /// The error stream carries a `metav1.Status` as JSON, and with it the exit code.
    V4,
}

/// The only version of port-forward.
pub(crate) const PORT_FORWARD: &str = "portforward.k8s.io";

impl Command {
    /// Best first.
    pub(crate) const ALL: [Self; 4] = [Self::V4, Self::V3, Self::V2, Self::V1];

    /// As it is written in the header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1 => "channel.k8s.io",
            Self::V2 => "v2.channel.k8s.io",
            Self::V3 => "v3.channel.k8s.io",
            Self::V4 => "v4.channel.k8s.io",
        }
    }

    /// Whether a terminal's size can change after the start.
    pub(crate) fn resizes(self) -> bool {
        self >= Self::V3
    }
}

/// The first protocol of the client's list that the server speaks (the client lists the best first).
///
/// `Err` when there is none; a client that lists nothing gets the oldest.
pub(crate) fn choose<'a, T: Copy>(
    offered: impl IntoIterator<Item = &'a str>,
    spoken: &[(&str, T)],
    unnamed: T,
) -> Result<(Option<&'a str>, T), NoCommonProtocol> {
    let mut named = false;
    for offer in offered {
        named = true;
        if let Some((_, protocol)) = spoken.iter().find(|(name, _)| *name == offer) {
            return Ok((Some(offer), *protocol));
        }
    }
    if named { Err(NoCommonProtocol) } else { Ok((None, unnamed)) }
}

/// The client speaks only protocols we don't.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoCommonProtocol;

#[cfg(test)]
mod tests {
    use super::*;

    const SPOKEN: [(&str, u8); 2] = [("v4", 4), ("v1", 1)];

    #[test]
    fn the_clients_order_decides() {
        assert_eq!(choose(["v5", "v4", "v1"], &SPOKEN, 0), Ok((Some("v4"), 4)));
        assert_eq!(choose(["v1", "v4"], &SPOKEN, 0), Ok((Some("v1"), 1)));
    }

    #[test]
    fn silence_is_the_oldest_and_strangers_are_refused() {
        assert_eq!(choose([], &SPOKEN, 0), Ok((None, 0)));
        assert_eq!(choose(["v5"], &SPOKEN, 0), Err(NoCommonProtocol));
    }
}
