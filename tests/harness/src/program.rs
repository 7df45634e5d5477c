//! Starts other programs.

use std::{ffi::OsStr, process::Command};

/// A command with this process's environment: tests run real tools, which need PATH and HOME.
#[expect(clippy::disallowed_methods, reason = "a test's own tools, not the product's children")]
pub fn program(name: impl AsRef<OsStr>) -> Command {
    Command::new(name)
}
