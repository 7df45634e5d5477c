use std::path::Path;

use super::{Circumstances, Outcome, When, parse, read};
use crate::report::State;

#[test]
fn an_entry_without_a_reason_or_a_second_one_is_refused() {
    let entry = |spec: &str, reason: &str| {
        format!("[[known]]\nspec = {spec:?}\noutcome = \"fails\"\nreason = {reason:?}\n")
    };
    assert_eq!(parse(&entry("a", "why")).unwrap()[0].outcome, Outcome::Fails);
    assert!(parse(&entry("a", " ")).unwrap_err().text().contains("no reason"));
    assert!(parse(&(entry("a", "why") + &entry("a", "why"))).unwrap_err().text().contains("twice"));
    assert!(parse("[[known]]\nspec = \"a\"\noutcome = \"hides\"\nreason = \"b\"\n").is_err());
}

#[test]
fn a_star_stands_for_the_rest_of_a_name() {
    let text = "[[known]]\nspec = \"[k8s.io] NRI *\"\noutcome = \"skips\"\nreason = \"none\"\n";
    let known = &parse(text).unwrap()[0];
    assert!(known.covers("[k8s.io] NRI adjusts") && !known.covers("[k8s.io] Networking NRI "));
    assert!(known.expects(State::Skipped) && !known.expects(State::Failed) && !known.expects(State::Passed));
}

#[test]
fn the_file_of_this_repository_is_sound() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("known-failures.toml");
    let all = Circumstances(vec![When::Unpatched, When::NoApparmor, When::NoNri, When::Websocket]);
    let none = Circumstances(Vec::new());
    assert!(read(&file, &none).unwrap().len() < read(&file, &all).unwrap().len());
}
