//! Checks that run nothing of the product: formatting, lints, house rules.

use anyhow::Result;

use crate::command::{cargo, run};

pub(crate) fn format(check: bool) -> Result<()> {
    let mut format = cargo();
    format.args(["fmt", "--all"]);
    if check {
        format.arg("--check");
    }
    run(format)
}

pub(crate) fn lint() -> Result<()> {
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]);
    run(clippy)
}

pub(crate) fn tidy() -> Result<()> {
    let mut tidy = cargo();
    tidy.args(["test", "--package", "tidy"]);
    run(tidy)
}
