//! Proof on bad input: edges between crates.

use super::*;

fn manifest(name: &str, rest: &str) -> File {
    File::new(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{rest}"))
}

fn found(name: &str, rest: &str) -> Vec<String> {
    let files = [
        manifest("sys", ""),
        manifest("shim", ""),
        manifest("imagestore", ""),
        manifest("harness", ""),
        manifest(name, rest),
    ];
    edges(&files).into_iter().map(|finding| finding.text).collect()
}

#[test]
fn downwards_and_foreign_crates_pass() {
    assert!(found("cni", "[dependencies]\nsys = { workspace = true }\nserde = \"1\"\n").is_empty());
}

#[test]
fn an_edge_upwards_is_found_however_it_is_written() {
    let ways = [
        "[dependencies]\nshim = { workspace = true }\n",
        "[dependencies]\nshim.workspace = true\n",
        "[dependencies]\nshim = { path = \"../shim\" }\n",
        "[dependencies.shim]\npath = \"../shim\"\n",
        "[dependencies]\ndaemon = { package = \"shim\", path = \"../shim\" }\n",
        "[build-dependencies]\nshim = { workspace = true }\n",
        "[target.'cfg(unix)'.dependencies]\nshim = { workspace = true }\n",
    ];
    for way in ways {
        assert_eq!(found("cni", way), ["cni may not import shim"], "{way}");
    }
}

#[test]
fn an_edge_sideways_is_found() {
    assert_eq!(
        found("cni", "[dependencies]\nimagestore = { workspace = true }\n"),
        ["cni may not import imagestore"]
    );
}

#[test]
fn tests_may_use_the_harness_but_no_crate_above_them() {
    assert!(found("cni", "[dev-dependencies]\nharness = { workspace = true }\n").is_empty());
    assert_eq!(
        found("cni", "[dev-dependencies]\nshim = { workspace = true }\n"),
        ["tests of cni may not import shim"]
    );
    assert_eq!(
        found("cni", "[dependencies]\nharness = { workspace = true }\n"),
        ["cni may not import harness"]
    );
}

#[test]
fn a_new_crate_needs_a_row() {
    assert_eq!(found("extras", ""), ["crate extras has no row in tidy's table of edges"]);
}
