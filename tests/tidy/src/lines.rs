//! Rule: a source file is short and its first line says what it is for.

use crate::{Finding, files::File};

/// No source file grows past this.
pub const LIMIT: usize = 400;

/// A file allowed to be longer, with the reason. It may only shrink.
#[derive(Debug, Clone, Copy)]
pub struct Exception {
    /// Path below the repository.
    pub file: &'static str,
    /// Lines it has today.
    pub lines: usize,
    /// Why cutting it would make it harder to read.
    pub reason: &'static str,
}

/// Findings on length: too long, or an exception that is no longer needed or too generous.
pub fn length(files: &[File], ratchet: &[Exception]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs") || file.has_extension("proto")) {
        let lines = file.text.lines().count();
        match ratchet.iter().find(|exception| exception.file == file.path) {
            None if lines > LIMIT => {
                findings.push(Finding::new(
                    &file.path,
                    format!("{lines} lines, the limit is {LIMIT}: cut it by subject"),
                ));
            }
            Some(exception) if lines > exception.lines => {
                let text =
                    format!("{lines} lines, its exception allows {}: it may only shrink", exception.lines);
                findings.push(Finding::new(&file.path, text));
            }
            Some(_) if lines <= LIMIT => {
                findings.push(Finding::new(
                    &file.path,
                    format!("{lines} lines need no exception: take it off the list"),
                ));
            }
            Some(exception) if lines + 20 <= exception.lines => {
                let text = format!("shrank to {lines} lines: lower its exception from {}", exception.lines);
                findings.push(Finding::new(&file.path, text));
            }
            _ => {}
        }
    }
    for exception in ratchet {
        if !files.iter().any(|file| file.path == exception.file) {
            findings.push(Finding::new(
                exception.file,
                "has an exception but does not exist: take it off the list",
            ));
        }
        if exception.reason.is_empty() {
            findings.push(Finding::new(exception.file, "an exception needs a reason"));
        }
    }
    findings
}

/// Findings on the first line of Rust files. A file that opens the unsafe fence says so even before that; the tests of
/// `foo.rs` in `foo/tests.rs` need no sentence.
pub fn first_line(files: &[File]) -> Vec<Finding> {
    let rust = files.iter().filter(|file| file.has_extension("rs") && !file.path.ends_with("/tests.rs"));
    rust.filter(|file| !file.text.lines().find(|line| !line.starts_with("#![")).is_some_and(says_something))
        .map(|file| Finding::new(&file.path, "line 1 must be `//! <one sentence: what this file is for>`"))
        .collect()
}

fn says_something(line: &str) -> bool {
    line.strip_prefix("//! ").is_some_and(|text| text.trim().len() > 10 && !text.starts_with("Placeholder"))
}

#[cfg(test)]
mod tests;
