//! `berth man`: the manual pages.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use clap::CommandFactory;

use super::Cli;
use crate::failure::{Doing, Result};

/// Print the manual page, or write all of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  berth man | man -l -
  berth man /usr/local/share/man/man1     berth.1, and one for each command")]
pub(crate) struct Args {
    /// Directory for one page a command; without it berth.1 is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result {
    let command = Cli::command();
    if let Some(directory) = &args.directory {
        let write = || {
            fs::create_dir_all(directory)?;
            clap_mangen::generate_to(command, directory)
        };
        return write().doing(format_args!("write manual pages to {}", directory.display()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(io::stdout().write_all(&page)?)
}
