//! berthd: arguments, configuration, logging, then serve; nothing else.
mod args;
mod async_fd;
mod blocking;
mod cdi;
mod config;
mod container;
mod cpu_rate;
mod ctx;
mod daemon;
mod driver;
mod error;
mod events;
mod ids;
mod image;
mod layout;
mod monitor;
mod network;
mod pod;
mod proxy;
mod records;
mod server;
mod steps;
mod store;
mod stream_io;

use std::{io::Write, process::ExitCode};

use anyhow::{Context, Result};
use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may not be set up yet, and systemd keeps what is said here.
            let _ = writeln!(std::io::stderr(), "berthd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &args::Args) -> Result<()> {
    let mut out = std::io::stdout();
    if args.print_steps {
        return steps::Steps::names().try_for_each(|name| writeln!(out, "{name}")).context("print the steps");
    }
    let config = args.config()?;
    if args.print_config {
        return write!(out, "{}", config.print()?).context("print the configuration");
    }
    log(&config)?;
    let surroundings = daemon::Surroundings {
        fault: std::env::var("BERTH_FAULT").ok(),
        proxy: proxy::settings(|name| std::env::var(name).ok()),
        remove_node_state: args.remove_node_state_on_exit,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_keep_alive(IDLE)
        .build()
        .context("start the async runtime")?;
    runtime.block_on(daemon::run(config, surroundings))
}

/// Requests mostly wait for the kernel in the blocking lane; more workers only cost memory.
const WORKERS: usize = 2;
/// Enough for a node's worth of pods starting at once; each is a kernel operation that may sleep.
const BLOCKING: usize = 64;
/// Idle threads give their stacks back.
const IDLE: std::time::Duration = std::time::Duration::from_secs(10);

/// Libraries whose debug lines are one for every frame on a socket: they would bury ours.
const CHATTY: &str = "h2=info,hyper=info,hyper_util=info,reqwest=info,rustls=info,tower=info";

fn log(config: &config::Config) -> Result<()> {
    let level = &config.log_level;
    // A level is about Berth; who writes a filter says what else is wanted.
    let wanted = if level.contains(['=', ',']) { level.clone() } else { format!("{level},{CHATTY}") };
    let filter = tracing_subscriber::EnvFilter::try_new(wanted).with_context(|| {
        format!("log level {:?}: use error, warn, info, debug, trace or a filter", config.log_level)
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format.as_str() {
        "json" => builder.json().init(),
        "text" => builder.with_ansi(false).init(),
        other => anyhow::bail!("log format {other:?}: use \"text\" or \"json\""),
    }
    Ok(())
}
