//! Debug for messages with secrets: says which fields are set, never what is in them.
//!
//! Messages that contain these print through them, so a whole request may be logged. Every field is named in the
//! pattern, so that a new one does not compile until someone has decided whether it is secret.
use std::fmt::{Debug, Formatter, Result};

use crate::cri::{AttachResponse, AuthConfig, ExecResponse, KeyValue, PortForwardResponse};
use crate::monitor::Process;

#[cfg(test)]
mod tests;

const HIDDEN: &str = "<redacted>";

fn hide(secret: &str) -> &'static str {
    if secret.is_empty() { "" } else { HIDDEN }
}

impl Debug for AuthConfig {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self { username, password, auth, server_address, identity_token, registry_token } = self;
        out.debug_struct("AuthConfig")
            .field("username", &hide(username))
            .field("password", &hide(password))
            .field("auth", &hide(auth))
            .field("server_address", server_address)
            .field("identity_token", &hide(identity_token))
            .field("registry_token", &hide(registry_token))
            .finish()
    }
}

/// An environment variable: Kubernetes puts the contents of Secrets there.
impl Debug for KeyValue {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self { key, value } = self;
        let value = if value.is_empty() { "" } else { HIDDEN };
        out.debug_struct("KeyValue").field("key", key).field("value", &value).finish()
    }
}

/// The process as the monitor is told to start it, with the same environment.
impl Debug for Process {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self {
            args,
            env,
            cwd,
            terminal,
            uid,
            gid,
            additional_gids,
            umask,
            capabilities,
            rlimits,
            no_new_privileges,
            oom_score_adj,
            apparmor_profile,
            selinux_label,
            seccomp_filter,
            seccomp_flags,
        } = self;
        let names: Vec<_> = env.iter().map(|variable| name_of(variable)).collect();
        out.debug_struct("Process")
            .field("args", args)
            .field("env", &names)
            .field("cwd", cwd)
            .field("terminal", terminal)
            .field("uid", uid)
            .field("gid", gid)
            .field("additional_gids", additional_gids)
            .field("umask", umask)
            .field("capabilities", capabilities)
            .field("rlimits", rlimits)
            .field("no_new_privileges", no_new_privileges)
            .field("oom_score_adj", oom_score_adj)
            .field("apparmor_profile", apparmor_profile)
            .field("selinux_label", selinux_label)
            .field("seccomp_filter_bytes", &seccomp_filter.len())
            .field("seccomp_flags", seccomp_flags)
            .finish()
    }
}

/// Without a `=` nothing tells name from value, so all of it is hidden.
fn name_of(variable: &[u8]) -> String {
    match variable.iter().position(|byte| *byte == b'=') {
        Some(end) => String::from_utf8_lossy(&variable[..end]).into_owned(),
        None => HIDDEN.to_owned(),
    }
}

/// The URL of a streaming session is all one needs to enter the container.
macro_rules! hide_url {
    ($($message:ident),*) => {$(
        impl Debug for $message {
            fn fmt(&self, out: &mut Formatter<'_>) -> Result {
                let Self { url } = self;
                out.debug_struct(stringify!($message)).field("url", &hide(url)).finish()
            }
        }
    )*};
}

hide_url!(ExecResponse, AttachResponse, PortForwardResponse);
