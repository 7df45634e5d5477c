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

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    harness::runner("kubelet", run::run(&args::Args::parse()))
}
