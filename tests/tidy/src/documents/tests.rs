//! Proof on bad input: documents.

use super::*;

fn map(text: &str) -> Vec<String> {
    let files = [
        File::new("ARCHITECTURE.md", text),
        File::new("shim/src/pod/run.rs", ""),
        File::new("shim/src/pod/stop.rs", ""),
    ];
    paths(&files).into_iter().map(|finding| finding.text).collect()
}

#[test]
fn a_missing_document_is_found() {
    assert_eq!(present(&[]).len(), REQUIRED.len());
    let all: Vec<_> = REQUIRED.iter().map(|name| File::new(name, "")).collect();
    assert_eq!(present(&all), []);
}

#[test]
fn paths_that_exist_pass_and_others_are_found() {
    assert!(
        map("`shim/src/pod/run.rs`, `shim/src/pod/`, `shim/src/{pod}/stop.rs`, `shim/src/pod/{run,stop}.rs`")
            .is_empty()
    );
    assert_eq!(map("first\n`shim/src/pod/go.rs`"), ["line 2: shim/src/pod/go.rs does not exist"]);
    assert_eq!(map("`shim/src/pod/{run,go}.rs`"), ["line 1: shim/src/pod/go.rs does not exist"]);
}

#[test]
fn what_only_looks_like_a_path_is_left_alone() {
    let text = "`/run/berth/berth.sock` `<root>/pods/<id>` `a/b` `cargo xtask test` `shim/* and more` shim/src/none.rs";
    assert!(map(text).is_empty());
}

#[test]
fn a_changelog_without_news_is_found() {
    let found = |text: &str| changelog(&[File::new("CHANGELOG.md", text)]).len();
    assert_eq!(found("# Changes\n\n## Unreleased\n\n- Pods run.\n"), 0);
    assert_eq!(found("# Changes\n\n## Unreleased\n"), 1);
    assert_eq!(found("# Changes\n\n## 0.1.0\n\n- Pods run.\n"), 1);
    assert_eq!(found("# Changes\n"), 1);
}
