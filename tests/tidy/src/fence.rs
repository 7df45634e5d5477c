//! Rule: unsafe code and raw system calls live in `sys` and nowhere else.

use toml::Table;

use crate::{Finding, edges::dependencies, files::File};

/// Crates that hand out system calls.
const SYSTEM_CALLS: [&str; 4] = ["libc", "rustix", "nix", "linux-raw-sys"];

/// The one crate inside the fence.
const INSIDE: &str = "sys/";

/// Findings in manifests and code.
pub fn fence(files: &[File]) -> Vec<Finding> {
    let outside = files.iter().filter(|file| !file.path.starts_with(INSIDE) && file.path != "Cargo.toml");
    let mut findings = Vec::new();
    for file in outside {
        if file.path.ends_with("Cargo.toml") {
            let Ok(manifest) = file.text.parse::<Table>() else { continue };
            let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
            for name in
                dependencies(&manifest, &sections).iter().filter(|name| SYSTEM_CALLS.contains(&name.as_str()))
            {
                findings.push(Finding::new(&file.path, format!("only sys may depend on {name}")));
            }
        } else if file.has_extension("rs") {
            let code = file.text.lines().enumerate().filter(|(_, line)| opens_the_fence(line));
            findings.extend(code.map(|(number, _)| {
                Finding::new(&file.path, format!("line {}: unsafe code belongs to sys", number + 1))
            }));
        }
    }
    findings
}

/// `unsafe` as a keyword, or the lint switched off; comments and string literals do not count.
fn opens_the_fence(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    let outside_strings: String = code.split('"').step_by(2).collect();
    let words = outside_strings.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.clone().any(|word| word == "unsafe")
        || (words.clone().any(|word| word == "unsafe_code")
            && words.into_iter().any(|word| word == "expect" || word == "allow"))
}

#[cfg(test)]
mod tests;
