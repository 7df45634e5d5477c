//! How a plugin can fail, and what a person needs to know of it.

use std::{fmt, path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::error::Kind;

/// Longest text of a plugin that is repeated in an error.
const SHOWN: usize = 1024;

/// How a plugin failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// No such file in any of the directories.
    Missing(Vec<PathBuf>),
    /// A file that must not be run.
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It could not be started or watched.
    Start(std::io::Error),
    /// It did not end in time and was killed.
    TimedOut(Duration),
    /// It could not even be killed: a process in state D, which the kernel will not end.
    Stuck {
        /// Its process id.
        pid: i32,
    },
    /// It printed more than this many bytes and was killed.
    TooMuchOutput(usize),
    /// It said what is wrong, as the CNI specification asks (section 5, "Error").
    Said {
        /// Its code; 11 means "try again later", 50 and 51 "not available".
        code: u32,
        /// Its message and details.
        text: String,
    },
    /// It ended with this status and said nothing that can be read but this on standard error.
    Exit {
        /// Exit status, or 128 and a signal.
        status: i32,
        /// End of its standard error.
        stderr: String,
    },
    /// It said it succeeded, but its result cannot be used.
    BadResult(String),
}

impl Failure {
    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::TimedOut(_) | Self::Stuck { .. } => Kind::Timeout,
            Self::Missing(_)
            | Self::Untrusted { .. }
            | Self::Start(_)
            | Self::TooMuchOutput(_)
            | Self::Said { .. }
            | Self::Exit { .. }
            | Self::BadResult(_) => Kind::Unavailable,
        }
    }

    /// What a plugin that ended with `status` says about it.
    pub(crate) fn read(status: i32, stdout: &[u8], stderr: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Said {
            code: u32,
            #[serde(default)]
            msg: String,
            #[serde(default)]
            details: String,
        }
        match serde_json::from_slice(stdout) {
            Ok(Said { code, msg, details }) if details.is_empty() => {
                Self::Said { code, text: printable(&msg) }
            }
            Ok(Said { code, msg, details }) => {
                Self::Said { code, text: printable(&format!("{msg}; {details}")) }
            }
            Err(_) => Self::Exit { status, stderr: printable(&String::from_utf8_lossy(stderr)) },
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(dirs) => {
                let dirs: Vec<_> = dirs.iter().map(|dir| dir.display().to_string()).collect();
                write!(f, "no such plugin in {}; install it there", dirs.join(", "))
            }
            Self::Untrusted { path, why } => write!(f, "{} is not run: {why}", path.display()),
            Self::Start(error) => write!(f, "cannot be run: {error}"),
            Self::TimedOut(limit) => write!(f, "did not end within {} s and was killed", limit.as_secs_f32()),
            Self::Stuck { pid } => write!(f, "did not end, and process {pid} cannot be killed"),
            Self::TooMuchOutput(limit) => write!(f, "printed more than {limit} bytes and was killed"),
            Self::Said { code, text } => write!(f, "error {code}: {text}"),
            Self::Exit { status, stderr } if stderr.is_empty() => {
                write!(f, "exit status {status}, without a word")
            }
            Self::Exit { status, stderr } => write!(f, "exit status {status}: {stderr}"),
            Self::BadResult(why) => write!(f, "its result cannot be used: {why}"),
        }
    }
}

/// One line, at most [`SHOWN`] characters: what a plugin prints ends up in logs and in `kubectl describe`.
fn printable(text: &str) -> String {
    let line = text.trim().chars().map(|char| if char.is_control() { ' ' } else { char });
    line.take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
