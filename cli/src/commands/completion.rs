//! `berth completion`: a script that completes our commands in a shell.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::failure::Result;

/// Print a completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth completion bash > /etc/bash_completion.d/berth
  berth completion zsh > ~/.zfunc/_berth
  berth completion fish > ~/.config/fish/completions/berth.fish")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "berth", &mut script);
    Ok(io::stdout().write_all(&script)?)
}
