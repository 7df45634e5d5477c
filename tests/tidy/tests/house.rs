//! The house rules, applied to this repository.

use tidy::{
    Finding, documents, edges, fence,
    files::{File, read_all, repository},
    lines::{self, Exception},
    names, places, steps,
};

/// Files that may be longer than the limit, each with its reason. The list may only shrink.
const LONGER: [Exception; 0] = [];

fn files() -> Vec<File> {
    read_all(&repository()).expect("the repository can be read")
}

fn none(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(list.is_empty(), "\n{}\n", list.join("\n"));
}

#[test]
fn files_are_short() {
    none(&lines::length(&files(), &LONGER));
}

#[test]
fn files_say_what_they_are_for() {
    none(&lines::first_line(&files()));
}

#[test]
fn crates_import_only_downwards() {
    none(&edges::edges(&files()));
}

#[test]
fn unsafe_code_is_fenced() {
    none(&fence::fence(&files()));
}

#[test]
fn names_say_something() {
    none(&names::names(&files()));
}

#[test]
fn nothing_of_a_machine_is_in_the_repository() {
    none(&places::places(&files()));
}

#[test]
fn documents_are_there_and_true() {
    none(&documents::present(&files()));
    none(&documents::changelog(&files()));
    none(&documents::paths(&files()));
}

#[test]
fn every_registered_step_is_reached() {
    none(&steps::reached(&files()));
}
