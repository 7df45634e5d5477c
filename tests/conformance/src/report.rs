//! critest's report, as Ginkgo writes it: one entry a spec.

use std::{fmt, fmt::Write as _, fs, path::Path};

use harness::{Doing, Failure, Result};
use serde::Deserialize;

/// A spec that was chosen to run, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    /// Its texts from the outermost container to its own, joined by spaces.
    pub(crate) name: String,
    pub(crate) state: State,
    pub(crate) seconds: f64,
    /// Why it failed or was skipped, on one line.
    pub(crate) message: String,
    /// UTC, as RFC 3339.
    pub(crate) begun: String,
    pub(crate) ended: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Passed,
    /// Also: panicked, timed out, interrupted.
    Failed,
    Skipped,
}

/// How many of each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Count {
    pub(crate) fn of(specs: &[Spec]) -> Self {
        let count = |state| specs.iter().filter(|spec| spec.state == state).count();
        Self { passed: count(State::Passed), failed: count(State::Failed), skipped: count(State::Skipped) }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Suite {
    /// Null when nothing was chosen.
    #[serde(default)]
    spec_reports: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default)]
    container_hierarchy_texts: Option<Vec<String>>,
    leaf_node_type: String,
    leaf_node_text: String,
    state: String,
    start_time: String,
    end_time: String,
    /// Nanoseconds.
    run_time: u64,
    #[serde(default)]
    failure: Option<Reason>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reason {
    #[serde(default)]
    message: String,
}

/// Reads the report, sorted by name.
pub(crate) fn read(file: &Path) -> Result<Vec<Spec>> {
    let text = fs::read(file).doing(|| format!("read {}", file.display()))?;
    parse(&text).map_err(|failure| Failure::new(format!("{}: {}", file.display(), failure.text())))
}

fn parse(text: &[u8]) -> Result<Vec<Spec>> {
    let suites: Vec<Suite> = serde_json::from_slice(text)?;
    let mut specs = Vec::new();
    for entry in suites.into_iter().flat_map(|suite| suite.spec_reports.unwrap_or_default()) {
        let message = entry.failure.map(|reason| on_one_line(&reason.message)).unwrap_or_default();
        if entry.leaf_node_type != "It" {
            if entry.state == "passed" || entry.state == "skipped" {
                continue;
            }
            return Err(Failure::new(format!("{} {}: {message}", entry.leaf_node_type, entry.state)));
        }
        let mut texts = entry.container_hierarchy_texts.unwrap_or_default();
        texts.push(entry.leaf_node_text);
        let name = texts.join(" ");
        // They are in the report even when they were not asked for.
        if name.contains("benchmark") {
            continue;
        }
        let state = match entry.state.as_str() {
            "passed" => State::Passed,
            // Left out by --focus or --skip: no reason is given then.
            "skipped" | "pending" if message.is_empty() => continue,
            "skipped" | "pending" => State::Skipped,
            _ => State::Failed,
        };
        let seconds = std::time::Duration::from_nanos(entry.run_time).as_secs_f64();
        specs.push(Spec { name, state, seconds, message, begun: entry.start_time, ended: entry.end_time });
    }
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(specs)
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes a line a spec: state, seconds, name, message.
pub(crate) fn table(specs: &[Spec], file: &Path) -> Result {
    let mut text = String::new();
    for spec in specs {
        let state = format!("{:?}", spec.state).to_lowercase();
        writeln!(text, "{state}\t{:.2}\t{}\t{}", spec.seconds, spec.name, spec.message)?;
    }
    fs::write(file, text).doing(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests;
