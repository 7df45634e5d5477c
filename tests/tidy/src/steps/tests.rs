//! Proof on bad input: registered steps.

use super::*;

fn found(code: &str) -> Vec<String> {
    let register = "steps! {\n    Run = \"run\",\n    RunCommit = \"run.commit\",\n}\nlet x = \"no step\";\n";
    let files = [File::new(REGISTER, register), File::new("shim/src/pod/run.rs", code)];
    reached(&files).into_iter().map(|finding| finding.text).collect()
}

#[test]
fn a_step_nobody_reaches_is_found() {
    assert!(found("reach(Step::Run)?; reach(Step::RunCommit)?;").is_empty());
    assert_eq!(found("reach(Step::Run)?;"), ["no code reaches Step::RunCommit"]);
}

#[test]
fn a_longer_name_does_not_count_for_a_shorter_one() {
    assert_eq!(found("reach(Step::RunCommit)?;"), ["no code reaches Step::Run"]);
}

#[test]
fn a_missing_register_is_found() {
    assert_eq!(reached(&[]).len(), 1);
}
