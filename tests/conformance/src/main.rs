//! conformance: runs critest against Berth, or any CRI endpoint, offline; `tests/conformance/run` builds and starts it.

mod args;
mod images;
mod judge;
mod known;
mod patch;
mod report;
mod run;
mod said;
mod segments;
mod subject;
mod suite;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

/// 0: all as expected; 1: not so; 2: the suite could not be run.
fn main() -> ExitCode {
    let args = args::Args::parse();
    match harness::run(run::run(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            // Nobody is left to tell when this fails.
            let _ = writeln!(io::stderr(), "conformance: {}", failure.text());
            ExitCode::from(2)
        }
    }
}

/// One line to the person who waits.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
