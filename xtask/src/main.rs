//! `cargo xtask …`: the one door to everything a developer or CI does with this repository.

mod bench;
mod check;
mod ci;
mod command;
mod install;
mod quickstart;
mod test;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    about = "Everything one does with this repository",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// What .ci/run runs: fmt --check, lint, test, quickstart.
    Ci,
    /// Formats the code.
    Fmt {
        /// Change nothing; fail if something would change.
        #[arg(long)]
        check: bool,
    },
    /// Clippy on everything, warnings are errors.
    Lint,
    /// The house rules a compiler cannot see (tests/tidy).
    Tidy,
    /// Every test: unit, house rules, end to end. Needs root.
    Test {
        /// Handed to `cargo test`, e.g. `-p e2e --test steps -- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds Berth and shows it: a pod is run, used, survives `kill -9` of the daemon and goes without a trace.
    Quickstart {
        /// Build without optimisation (faster to build, slower to run).
        #[arg(long)]
        debug: bool,
        /// Handed to `berth quickstart`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds with optimisation and measures CRI endpoints (tests/bench).
    Bench {
        /// Handed to `berth-bench`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Builds with optimisation and copies binaries, unit and sample configuration below DESTDIR.
    Install {
        /// Root of the tree, `/` for this machine.
        destdir: PathBuf,
        /// Where programs go, below DESTDIR.
        #[arg(long, default_value = "/usr/local")]
        prefix: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Ci => ci::ci(),
        Task::Fmt { check } => check::format(check),
        Task::Lint => check::lint(),
        Task::Tidy => check::tidy(),
        Task::Test { arguments } => test::test(&arguments),
        Task::Quickstart { debug, arguments } => quickstart::quickstart(debug, &arguments),
        Task::Bench { arguments } => bench::bench(&arguments),
        Task::Install { destdir, prefix } => install::install(&destdir, &prefix),
    }
}
