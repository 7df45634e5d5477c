//! Rule: the repository speaks of the project alone: no path of somebody's machine, no package registry's host.

use crate::{Finding, files::File};

/// Written in two halves, so that this file does not find itself.
const REFUSED: [(&str, &str, &str); 10] = [
    ("/wo", "rk/main", "a path of one machine"),
    ("/wo", "rk/scratch", "a path of one machine"),
    ("/wo", "rk/shared", "a path of one machine"),
    ("/ro", "ot/.", "a path of one machine"),
    ("/Use", "rs/", "a path of one machine"),
    ("index.crat", "es.io", "a package registry's host"),
    ("static.crat", "es.io", "a package registry's host"),
    ("deb.deb", "ian.org", "a package registry's host"),
    ("py", "pi.org", "a package registry's host"),
    ("registry.np", "mjs.org", "a package registry's host"),
];

/// Findings in every text file but the lock file, whose sources cargo writes.
pub fn places(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !file.path.ends_with("Cargo.lock")) {
        for (number, line) in file.text.lines().enumerate() {
            for (head, tail, what) in REFUSED {
                if line.contains(&format!("{head}{tail}")) {
                    findings.push(Finding::new(
                        &file.path,
                        format!("line {}: {head}{tail} is {what}", number + 1),
                    ));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
