//! kubelet-scenarios: a real kubelet and control plane schedule on Berth; `tests/kubelet/run` builds and starts it.

mod api;
mod args;
mod cluster;
mod complaints;
mod control;
mod kubectl;
mod machine;
mod node;
mod pki;
mod pods;
mod program;
mod run;
mod scenarios;
mod scene;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

/// 0: all as expected; 1: not so; 2: the scenarios could not be run.
fn main() -> ExitCode {
    let args = args::Args::parse();
    match harness::run(run::run(&args)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            // Nobody is left to tell when this fails.
            let _ = writeln!(io::stderr(), "kubelet: {}", failure.text());
            ExitCode::from(2)
        }
    }
}

/// One line to the person who waits.
fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
