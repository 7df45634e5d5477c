use super::judge;
use crate::{
    known::{Known, Outcome},
    report::{Spec, State},
};

fn spec(name: &str, state: State) -> Spec {
    Spec {
        name: name.to_owned(),
        state,
        seconds: 0.0,
        message: "because".to_owned(),
        begun: String::new(),
        ended: String::new(),
    }
}

fn known(spec: &str, outcome: Outcome) -> Known {
    Known { spec: spec.to_owned(), outcome, when: None, reason: "a reason".to_owned() }
}

fn findings(specs: &[Spec], known: &[Known], whole: bool) -> Vec<String> {
    judge(specs, known, whole).iter().map(ToString::to_string).collect()
}

#[test]
fn as_expected_is_no_finding() {
    let specs = [spec("a", State::Passed), spec("b", State::Failed), spec("c d", State::Skipped)];
    let known = [known("b", Outcome::Fails), known("c*", Outcome::Skips)];
    assert_eq!(findings(&specs, &known, true), [""; 0]);
}

#[test]
fn failures_and_skips_nobody_knows_of_are_findings() {
    let specs = [spec("a", State::Failed), spec("b", State::Skipped), spec("c", State::Failed)];
    let known = [known("c", Outcome::Skips)];
    assert_eq!(
        findings(&specs, &known, true),
        ["FAIL a\n    because", "SKIPPED b\n    because", "FAIL c\n    because"]
    );
}

#[test]
fn the_list_only_shrinks() {
    let specs = [spec("a", State::Passed)];
    let known = [known("a", Outcome::Fails), known("gone", Outcome::Fails)];
    let found = findings(&specs, &known, true);
    assert!(
        found[0].starts_with("PASSES NOW a\n") && found[1].starts_with("NO SUCH SPEC gone\n"),
        "{found:?}"
    );
    // With a focus, an entry that fits nothing says nothing.
    assert_eq!(findings(&specs, &known, false).len(), 1);
}
