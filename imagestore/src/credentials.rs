//! Credentials for one registry; they print as nothing.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::error::{Error, Result};

/// What a caller gives to prove who it is. Used only with the registry of the image's name (or, if
/// `server_address` is set, only with that), never with a mirror or after a redirect elsewhere.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// For Basic authentication, and to get a token.
    pub username: String,
    /// For Basic authentication, and to get a token.
    pub password: String,
    /// An OAuth2 refresh token, in place of user and password.
    pub identity_token: String,
    /// A bearer token to be sent to the registry as it is.
    pub registry_token: String,
    /// The registry these are for; empty means that of the image's name.
    pub server_address: String,
}

impl Credentials {
    /// Takes user and password from the base64 of `user:password`, as in `.docker/config.json`.
    pub fn with_auth(mut self, auth: &str) -> Result<Self> {
        let wrong = |why: &'static str| Error::Reference { text: "auth (not shown)".to_owned(), why };
        let auth = auth.trim();
        let bytes = STANDARD
            .decode(auth)
            .or_else(|_| STANDARD_NO_PAD.decode(auth))
            .map_err(|_| wrong("it is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
        let (username, password) = text.split_once(':').ok_or_else(|| wrong("it is not user:password"))?;
        self.username = username.to_owned();
        // Old tools pad the password with NUL bytes.
        self.password = password.trim_end_matches('\0').to_owned();
        Ok(self)
    }

    /// True if there is nothing in it to prove anything with.
    pub fn is_empty(&self) -> bool {
        self.username.is_empty()
            && self.password.is_empty()
            && self.identity_token.is_empty()
            && self.registry_token.is_empty()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Credentials(none)" } else { "Credentials(not shown)" })
    }
}
