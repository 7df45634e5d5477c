//! Identifiers: 64 lower-case hexadecimal digits, made here or parsed, never assembled.
use std::fmt;

/// An identifier that was not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(String);

        impl $name {
            /// A new random identifier (256 bits).
            pub(crate) fn random() -> Result<Self, getrandom::Error> {
                let mut bytes = [0u8; 32];
                getrandom::fill(&mut bytes)?;
                Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
            }

            /// Accepts exactly what `random` makes.
            pub(crate) fn parse(text: &str) -> Result<Self, BadId> {
                let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                if text.len() == 64 && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(BadId) }
            }

            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.0.get(..12).unwrap_or(&self.0))
            }
        }
    };
}

id!(
    /// A pod sandbox.
    PodId
);
id!(
    /// A container.
    ContainerId
);
/// One exec session; nobody ever looks it up.
pub(crate) fn exec_id() -> Result<String, getrandom::Error> {
    ContainerId::random().map(|id| id.0)
}
