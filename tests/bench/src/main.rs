//! berth-bench: measures CRI runtimes with the same work, several of them in one run.
mod args;
mod cgroupfs;
mod cleanup;
mod cycle;
mod endpoint;
mod family;
mod figures;
mod ground;
mod meter;
mod phase;
mod procfs;
mod report;
mod request;
mod run;
mod samples;
mod site;
mod table;

use std::io::Write;

use anyhow::{Context, Result};
use clap::Parser;

use crate::args::Args;

/// One thread: a second would cost every call two switches between them, more than many calls take.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = Args::parse();
    args.check()?;
    if args.clean {
        let removed = run::clean(&args).await?;
        return say(&format!("removed {removed} pods\n"));
    }
    let findings = Box::pin(run::run(&args, run::interrupted()?)).await?;
    say(&table::tables(&findings, args.baseline_index()))?;
    if let Some(file) = &args.json {
        let text = serde_json::to_string_pretty(&report::to_json(&args, &findings))?;
        std::fs::write(file, text + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("write to standard output")
}
