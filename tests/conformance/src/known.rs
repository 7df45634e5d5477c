//! known-failures.toml: what is known not to pass, each with its reason. The file may only shrink.

use std::{fs, path::Path};

use harness::{Doing, Failure, Result};
use serde::Deserialize;

use crate::{args::Args, report::State};

/// A spec, or all whose names begin alike, and what is expected of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// The whole name; a `*` at its end stands for anything.
    pub(crate) spec: String,
    pub(crate) outcome: Outcome,
    /// Holds only where this does.
    #[serde(default)]
    pub(crate) when: Option<When>,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Fails,
    Skips,
}

/// What a run or a machine may have or lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum When {
    /// critest is run as it is.
    Unpatched,
    /// The kernel has no AppArmor.
    NoApparmor,
    /// No NRI socket was given.
    NoNri,
    /// Streaming goes over WebSocket.
    Websocket,
}

/// Which of [`When`] hold now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circumstances(Vec<When>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Known>,
}

impl Known {
    pub(crate) fn covers(&self, name: &str) -> bool {
        match self.spec.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => self.spec == name,
        }
    }

    pub(crate) fn expects(&self, state: State) -> bool {
        matches!((self.outcome, state), (Outcome::Fails, State::Failed) | (Outcome::Skips, State::Skipped))
    }
}

impl Circumstances {
    pub(crate) fn of(args: &Args) -> Self {
        let apparmor = fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default();
        let all = [
            (When::Unpatched, args.unpatched),
            (When::NoApparmor, apparmor.trim() != "Y"),
            (When::NoNri, args.nri.is_none()),
            (When::Websocket, args.websocket),
        ];
        Self(all.into_iter().filter(|(_, holds)| *holds).map(|(when, _)| when).collect())
    }
}

/// The entries of `file` that hold now.
pub(crate) fn read(file: &Path, now: &Circumstances) -> Result<Vec<Known>> {
    let text = fs::read_to_string(file).doing(|| format!("read {}", file.display()))?;
    let known =
        parse(&text).map_err(|failure| Failure::new(format!("{}: {}", file.display(), failure.text())))?;
    Ok(known.into_iter().filter(|known| known.when.is_none_or(|when| now.0.contains(&when))).collect())
}

fn parse(text: &str) -> Result<Vec<Known>> {
    let known = toml::from_str::<File>(text)?.known;
    for (place, one) in known.iter().enumerate() {
        if one.reason.trim().is_empty() {
            return Err(Failure::new(format!("{:?} has no reason", one.spec)));
        }
        if known[..place].iter().any(|other| other.spec == one.spec && other.when == one.when) {
            return Err(Failure::new(format!("{:?} is there twice", one.spec)));
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests;
