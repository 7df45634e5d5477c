//! What can go wrong in a network, and of which kind it is.

use crate::failure::Failure;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Kind of an error; the daemon maps it to a gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Input that can never work.
    Invalid,
    /// Someone else has it (a hostPort, an address).
    Exists,
    /// No address is left.
    Exhausted,
    /// The network cannot be had now: plugin missing or failing, configuration unreadable.
    Unavailable,
    /// A plugin or the kernel did not answer in time.
    Timeout,
    /// The kernel lacks what is needed.
    Unsupported,
    /// Anything the kernel refused that it should not have.
    Internal,
}

/// Error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value that can never be right.
    #[error("{what} {value:?}: must be {rule}")]
    Invalid {
        /// What the value was for.
        what: &'static str,
        /// The value, cut if long.
        value: String,
        /// What would be right.
        rule: String,
    },
    /// The subnet has no free address.
    #[error(
        "no address left in pod subnet {subnet}: all {size} are in use; remove pods or give the node a larger subnet \
         (network.subnet in the configuration)"
    )]
    Exhausted {
        /// The subnet.
        subnet: ipnet::Ipv4Net,
        /// Number of addresses for pods it has.
        size: usize,
    },
    /// An address is taken already.
    #[error("address {address} of pod subnet {subnet} is in use already")]
    AddressTaken {
        /// The address.
        address: std::net::Ipv4Addr,
        /// The subnet.
        subnet: ipnet::Ipv4Net,
    },
    /// The kernel refused one netlink request.
    #[error("{what}{}", quoted(.said))]
    Refused {
        /// What was to be done, naming the object.
        what: String,
        /// The kernel's own words (NETLINK_EXT_ACK), where it has some.
        said: Option<String>,
        /// Message type and errno.
        #[source]
        source: sys::Error,
    },
    /// A system call failed.
    #[error("{what}")]
    System {
        /// What was to be done.
        what: String,
        /// The call.
        #[source]
        source: sys::Error,
    },
    /// A file could not be read or written.
    #[error("{what} {path}")]
    File {
        /// What was to be done.
        what: &'static str,
        /// With which file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The kernel's answer makes no sense.
    #[error("{what}: the kernel's answer is malformed: {why}")]
    Malformed {
        /// What was asked.
        what: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// A plugin of a CNI network failed.
    #[error("plugin {plugin}: {command}: {failure}")]
    Plugin {
        /// Its type.
        plugin: String,
        /// `ADD`, `DEL`, `CHECK`, `STATUS` or `GC`.
        command: &'static str,
        /// How.
        failure: Failure,
    },
    /// Something is wrong with a CNI network.
    #[error("network {name}")]
    Network {
        /// Its name, or the file that should say it.
        name: String,
        /// What.
        #[source]
        source: Box<Error>,
    },
    /// More than one thing failed; the first is the cause of the others, or as bad.
    #[error("{}", listed(.0))]
    Several(Vec<Error>),
    /// A hostPort is taken already.
    #[error("hostPort {port} is in use already by {owner}")]
    PortTaken {
        /// The port, as `tcp/80` or `tcp/192.0.2.1:80`.
        port: String,
        /// Who has it: `pod <id>`.
        owner: String,
    },
}

impl Error {
    /// Longest piece of a foreign value that is repeated in a message.
    const SHOWN: usize = 128;

    pub(crate) fn invalid(what: &'static str, value: &str, rule: &str) -> Self {
        let value = value.chars().take(Self::SHOWN).collect();
        Self::Invalid { what, value, rule: rule.to_owned() }
    }

    pub(crate) fn system(what: impl Into<String>, source: sys::Error) -> Self {
        Self::System { what: what.into(), source }
    }

    /// One error of these; `None` if there are none.
    pub(crate) fn of(mut errors: Vec<Self>) -> Option<Self> {
        if errors.len() > 1 { Some(Self::Several(errors)) } else { errors.pop() }
    }

    /// This error, with what failed because of it.
    pub(crate) fn followed_by(self, mut others: Vec<Self>) -> Self {
        if others.is_empty() {
            return self;
        }
        others.insert(0, self);
        Self::Several(others)
    }

    /// The errno the kernel gave, if it was the kernel.
    pub(crate) fn errno(&self) -> Option<sys::Errno> {
        match self {
            Self::Refused { source, .. } | Self::System { source, .. } => Some(source.errno),
            _ => None,
        }
    }

    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid { .. } => Kind::Invalid,
            Self::Exhausted { .. } => Kind::Exhausted,
            Self::Refused { source, .. } | Self::System { source, .. } => kind_of(source.errno),
            Self::File { .. } => Kind::Unavailable,
            Self::Malformed { .. } => Kind::Internal,
            Self::Plugin { failure, .. } => failure.kind(),
            Self::Network { source, .. } => source.kind(),
            Self::Several(errors) => errors.first().map_or(Kind::Internal, Self::kind),
            Self::AddressTaken { .. } | Self::PortTaken { .. } => Kind::Exists,
        }
    }
}

fn kind_of(errno: sys::Errno) -> Kind {
    match errno {
        sys::Errno::ENOTSUP | sys::Errno::ENOSYS => Kind::Unsupported,
        sys::Errno::ETIMEDOUT => Kind::Timeout,
        sys::Errno::ENOMEM | sys::Errno::ENOSPC | sys::Errno::EMFILE | sys::Errno::ENFILE => Kind::Exhausted,
        _ => Kind::Internal,
    }
}

fn quoted(said: &Option<String>) -> String {
    said.as_ref().map_or_else(String::new, |text| format!(" (kernel: {text})"))
}

/// Errors of equal rank have no one source, so their chains are part of the text.
fn listed(errors: &[Error]) -> String {
    errors.iter().map(chain).collect::<Vec<_>>().join("; ")
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
