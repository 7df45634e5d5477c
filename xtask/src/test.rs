//! Every test of the workspace, end-to-end tests included.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::command::{build_product, cargo, run};

pub(crate) fn test(arguments: &[String]) -> Result<()> {
    if !is_root()? {
        bail!(
            "the tests make namespaces, mounts, links and cgroups: run them as root, \
             e.g. `sudo --preserve-env=PATH,HOME cargo xtask test`"
        );
    }
    // The end-to-end tests start these; built here, they cannot be older than the tests.
    build_product(false, &[])?;
    let mut tests = cargo();
    tests.args(["test", "--locked", "--no-fail-fast"]);
    if !arguments.iter().any(|argument| argument == "-p" || argument.starts_with("--package")) {
        tests.arg("--workspace");
    }
    run({
        tests.args(arguments);
        tests
    })
}

/// Effective user 0, by /proc/self/status: "Uid: real effective saved filesystem".
fn is_root() -> Result<bool> {
    let status = fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("Uid:")).context("no Uid in /proc/self/status")?;
    Ok(line.split_whitespace().nth(2) == Some("0"))
}
