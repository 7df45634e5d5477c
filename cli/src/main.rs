//! `berth`: pods, containers and images of a node, for people.

mod client;
mod commands;
mod detach;
mod failure;
mod find;
mod log;
mod output;
mod quickstart;
mod session;
mod size;
mod stdio;
mod table;
mod terminal;
mod text;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Parser;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    let failed = ExitCode::from(cli.failure_code());
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            explain(&failure::Failure::new(format!("start: {error}")));
            return failed;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        // As a shell does, of a program's status only the last eight bits are passed on.
        Ok(code) => ExitCode::from((code & 0xff) as u8),
        Err(failure) => {
            explain(&failure);
            failed
        }
    }
}

fn explain(failure: &failure::Failure) {
    if !failure.is_silent() {
        // If even this cannot be written, the exit code must do.
        let _ = writeln!(io::stderr(), "{failure}");
    }
}
