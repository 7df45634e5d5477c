//! Rule: the documents a newcomer looks for exist, and every path they name does too.

use std::{collections::BTreeSet, path::Path};

use crate::{Finding, files::File};

/// What must be at the top of the repository.
const REQUIRED: [&str; 5] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"];

/// Findings on documents that are missing.
pub fn present(files: &[File]) -> Vec<Finding> {
    let missing = REQUIRED.iter().filter(|name| !files.iter().any(|file| file.path == **name));
    missing.map(|name| Finding::new(*name, "is missing")).collect()
}

/// Findings on the changelog: it opens with what is not released yet, and says something there.
pub fn changelog(files: &[File]) -> Vec<Finding> {
    let Some(file) = files.iter().find(|file| file.path == "CHANGELOG.md") else { return Vec::new() };
    let mut sections = file.text.split("\n## ").skip(1);
    match sections.next().and_then(|section| section.split_once('\n')) {
        Some((title, body))
            if title.trim() == "Unreleased" && body.lines().any(|line| line.starts_with("- ")) =>
        {
            Vec::new()
        }
        _ => vec![Finding::new(
            &file.path,
            "must open with `## Unreleased` and a list of what users will notice",
        )],
    }
}

/// Findings on paths in backticks, in documents at the top of the repository, that lead nowhere.
pub fn paths(files: &[File]) -> Vec<Finding> {
    let known = known(files);
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.has_extension("md") && !file.path.contains('/')) {
        for (number, line) in file.text.lines().enumerate() {
            for quoted in line.split('`').skip(1).step_by(2) {
                for path in alternatives(quoted.trim()) {
                    if is_a_path(&path, &known) && !known.contains(path.trim_end_matches('/')) {
                        findings.push(Finding::new(
                            &file.path,
                            format!("line {}: {path} does not exist", number + 1),
                        ));
                    }
                }
            }
        }
    }
    findings
}

/// Every file and every directory above one.
fn known(files: &[File]) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for file in files {
        let ancestors = Path::new(&file.path).ancestors().filter(|path| !path.as_os_str().is_empty());
        known.extend(ancestors.map(|path| path.to_string_lossy().into_owned()));
    }
    known
}

/// Below a directory at the top of the repository, and nothing but a path.
fn is_a_path(text: &str, known: &BTreeSet<String>) -> bool {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    plain && text.split_once('/').is_some_and(|(top, _)| known.contains(top))
}

/// `a/{b,c}.rs` is two paths; one pair of braces is enough for a document.
fn alternatives(text: &str) -> Vec<String> {
    let Some((head, rest)) = text.split_once('{') else { return vec![text.to_owned()] };
    let Some((middle, tail)) = rest.split_once('}') else { return vec![text.to_owned()] };
    middle.split(',').map(|part| format!("{head}{}{tail}", part.trim())).collect()
}

#[cfg(test)]
mod tests;
