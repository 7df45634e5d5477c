//! `berth-monitor`: the process that makes one pod and stays with it.
//!
//! It lives in the pod's network, IPC and UTS namespaces, makes the containers, holds their standard streams,
//! writes their logs, reaps them and records how they ended. One thread, no async runtime, no allocation that
//! an idle pod would pay for. proto/monitor/monitor.proto is its contract.

mod attach;
mod blank;
mod connection;
mod container;
mod drain;
mod event;
mod exec;
mod exit;
mod failure;
mod handshake;
mod hold;
mod init;
mod kill;
mod launch;
mod log;
mod monitor;
mod oom;
mod output;
mod pause;
mod pod;
mod procs;
mod reap;
mod report;
mod sandbox;
mod serve;
mod setup;
mod shutdown;
mod start;
mod stdin;
mod stdio;
mod streams;
mod sync;
mod sysctl;
mod watch;

use std::process::ExitCode;

use crate::failure::Result;

fn main() -> ExitCode {
    // Unwinding through a forked child's copy of the loop would run the parent's destructors.
    std::panic::set_hook(Box::new(|info| {
        report::line(&info.to_string());
        std::process::abort();
    }));
    let held = std::env::args_os().next().is_some_and(|name| name == hold::NAME);
    match if held { hold::run() } else { run() } {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            report::failed("monitor", &failed);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let inherited = setup::take_over()?;
    let pod = sandbox::make(&inherited.plan, inherited.state_dir, &inherited.hello)?;
    drop(inherited.hello);
    monitor::Monitor::new(pod, inherited.listener)?.run()
}
