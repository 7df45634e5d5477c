//! The sweep: the daemon fails at every registered step, and is killed at every registered step; nothing is left, nothing is
//! lost, and the caller's retry succeeds.
//!
//! While the fault strikes, containers run that number their lines, and one of them ends with a known code: when the
//! daemon was killed, it ends while there is none. At every step every line must be in its log once, and every code told.
//!
//! The steps come from `berthd --print-steps`: one that is added is covered the day it is written, and one that the walk
//! below does not reach fails the test.

mod bystander;
mod walk;

use harness::{Daemon, Failure, Result, run};

/// `BERTH_TEST_STEP=NAME` walks one step alone, to look closer.
fn steps() -> Result<Vec<String>> {
    let only = std::env::var("BERTH_TEST_STEP").ok();
    Ok(Daemon::steps()?.into_iter().filter(|step| only.as_ref().is_none_or(|only| only == step)).collect())
}

fn sweep(kind: &str) -> Result {
    let mut broken = Vec::new();
    for step in steps()? {
        if let Err(failure) = run(walk::with_fault(kind, &step)) {
            broken.push(format!("{kind} at {step}: {failure:?}"));
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure::new(format!("\n{}", broken.join("\n\n")))) }
}

#[test]
fn a_failure_at_any_step_leaves_nothing_and_the_retry_succeeds() -> Result {
    sweep("fail")
}

#[test]
fn a_kill_at_any_step_leaves_and_loses_nothing_and_the_retry_succeeds() -> Result {
    sweep("kill")
}
