//! Rule: a file's name says what it is or what it does; names that mean "everything" are refused.

use std::path::Path;

use crate::{Finding, files::File};

const BANNED: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "misc", "types", "stuff"];

/// Findings in the names of Rust files and of the directories above them.
pub fn names(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("rs")) {
        for part in Path::new(&file.path).components() {
            let part = part.as_os_str().to_string_lossy();
            let stem = part.strip_suffix(".rs").unwrap_or(&part);
            if BANNED.contains(&stem) || stem.ends_with("_inner") {
                findings.push(Finding::new(&file.path, format!("{stem} names nothing: say what is in it")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
