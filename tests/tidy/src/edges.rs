//! Rule: crates import only downwards, by the table of ARCHITECTURE.md.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::{Finding, files::File};

/// Who may import whom in the product. Crates not named here (tests, tools) may import anything but one another's tests.
pub const EDGES: [(&str, &[&str]); 10] = [
    ("proto", &[]),
    ("sys", &[]),
    ("cgroup", &["sys"]),
    ("cni", &["sys"]),
    ("imagestore", &["sys"]),
    ("streaming", &[]),
    ("spec", &["proto", "sys"]),
    ("monitor", &["proto", "sys"]),
    ("shim", &["proto", "sys", "cgroup", "cni", "imagestore", "streaming", "spec"]),
    ("cli", &["proto", "sys", "streaming"]),
];

/// Crates that nothing of the product may import.
const TESTS: [&str; 6] = ["harness", "e2e", "tidy", "bench", "conformance", "kubelet"];

/// Findings in the manifests among `files`.
pub fn edges(files: &[File]) -> Vec<Finding> {
    let allowed: BTreeMap<_, _> = EDGES.into_iter().collect();
    let manifests: Vec<(&File, Table)> = files
        .iter()
        .filter(|file| file.path.ends_with("Cargo.toml"))
        .filter_map(|file| Some((file, file.text.parse::<Table>().ok()?)))
        .collect();
    let ours: Vec<String> = manifests.iter().filter_map(|(_, manifest)| name(manifest)).collect();
    let mut findings = Vec::new();
    for (file, manifest) in &manifests {
        let Some(name) = name(manifest) else { continue };
        let Some(may) = allowed.get(name.as_str()) else {
            if !TESTS.contains(&name.as_str()) && name != "xtask" {
                findings.push(Finding::new(
                    &file.path,
                    format!("crate {name} has no row in tidy's table of edges"),
                ));
            }
            continue;
        };
        for dependency in dependencies(manifest, &["dependencies", "build-dependencies"]) {
            if ours.contains(&dependency) && !may.contains(&dependency.as_str()) {
                findings.push(Finding::new(&file.path, format!("{name} may not import {dependency}")));
            }
        }
        for dependency in dependencies(manifest, &["dev-dependencies"]) {
            if ours.contains(&dependency) && !may.contains(&dependency.as_str()) && dependency != "harness" {
                findings
                    .push(Finding::new(&file.path, format!("tests of {name} may not import {dependency}")));
            }
        }
    }
    findings
}

fn name(manifest: &Table) -> Option<String> {
    Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())
}

/// Names in the given sections, those for one platform only included; a renamed crate counts by its real name.
pub(crate) fn dependencies(manifest: &Table, sections: &[&str]) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables =
        [manifest].into_iter().chain(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for section in sections {
            for (name, value) in table.get(*section).and_then(Value::as_table).into_iter().flatten() {
                let real = value.get("package").and_then(Value::as_str).unwrap_or(name);
                found.push(real.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
