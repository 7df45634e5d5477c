//! Standard output: lines, or JSON for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::{Failure, Result};

/// `--json`, for every command that shows something.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Format {
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints `text` and a newline, unless it is empty.
pub(crate) fn line(text: impl AsRef<str>) -> Result {
    let text = text.as_ref();
    if text.is_empty() { Ok(()) } else { Ok(writeln!(io::stdout(), "{text}")?) }
}

/// Prints a value as JSON that a person can read, too.
pub(crate) fn json(value: &impl Serialize) -> Result {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    line(text)
}

/// A remark that is not the command's output.
pub(crate) fn remark(text: impl AsRef<str>) {
    // Nothing depends on it.
    let _ = writeln!(io::stderr(), "{}", text.as_ref());
}
