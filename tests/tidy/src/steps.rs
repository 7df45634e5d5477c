//! Rule: a registered step is reached somewhere, so that the sweep of tests/e2e can fail and kill there.

use crate::{Finding, files::File};

/// Where the daemon registers its steps, as `Variant = "name",`.
const REGISTER: &str = "shim/src/steps.rs";

/// Findings on steps that no code reaches.
pub fn reached(files: &[File]) -> Vec<Finding> {
    let Some(register) = files.iter().find(|file| file.path == REGISTER) else {
        return vec![Finding::new(REGISTER, "is missing: the daemon registers its steps there")];
    };
    let code: Vec<&File> = files
        .iter()
        .filter(|file| {
            file.path.starts_with("shim/src/") && file.has_extension("rs") && file.path != REGISTER
        })
        .collect();
    let registered = register.text.lines().filter_map(registered);
    registered
        .filter(|variant| !code.iter().any(|file| mentions(&file.text, variant)))
        .map(|variant| Finding::new(REGISTER, format!("no code reaches Step::{variant}")))
        .collect()
}

/// `    RunCommit = "run.commit",` names `RunCommit`.
fn registered(line: &str) -> Option<&str> {
    let (variant, name) = line.trim().split_once(" = \"")?;
    (name.ends_with("\",") && variant.chars().all(char::is_alphanumeric)).then_some(variant)
}

fn mentions(text: &str, variant: &str) -> bool {
    let wanted = format!("Step::{variant}");
    text.match_indices(&wanted)
        .any(|(at, _)| !text[at + wanted.len()..].starts_with(|c: char| c.is_alphanumeric()))
}

#[cfg(test)]
mod tests;
