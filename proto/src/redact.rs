//! Debug for messages with secrets: says which fields are set, never what is in them.
use std::fmt;

use crate::cri::AuthConfig;

impl fmt::Debug for AuthConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hide = |secret: &str| if secret.is_empty() { "" } else { "<redacted>" };
        out.debug_struct("AuthConfig")
            .field("username", &hide(&self.username))
            .field("password", &hide(&self.password))
            .field("auth", &hide(&self.auth))
            .field("server_address", &self.server_address)
            .field("identity_token", &hide(&self.identity_token))
            .field("registry_token", &hide(&self.registry_token))
            .finish()
    }
}
