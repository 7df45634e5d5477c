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

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    harness::runner("conformance", run::run(&args::Args::parse()))
}
