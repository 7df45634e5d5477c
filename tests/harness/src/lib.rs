//! A node to test against: a private berthd, a real registry, a CRI client, and the oracle that finds what was left behind.
//!
//! ```no_run
//! # use harness::{Node, Result, container, run};
//! #[test]
//! fn a_container_prints() -> Result {
//!     run(async {
//!         let node = Node::start().await?;
//!         let pod = node.run_pod(&node.pod("p")).await?;
//!         let id = node.start_container(&pod, &container("c").command(["echo", "hello"])).await?;
//!         assert_eq!(node.wait_exit(&id).await?.exit_code, 0);
//!         node.finish().await // takes all away and fails if anything is left
//!     })
//! }
//! ```
//!
//! Every [`Node`] has a [`Slot`]: names of its own for directory, bridge, subnet, nftables table and cgroup. A slot whose
//! last owner was killed is taken back by the next one, so an aborted run leaves nothing for long.

mod client;
mod daemon;
pub mod debian;
mod failure;
pub mod http;
pub mod image;
pub mod leftovers;
mod logs;
mod netlink;
mod node;
mod program;
mod registry;
mod request;
mod slot;
mod wait;
mod workspace;

use std::{
    io::{self, Write},
    process::ExitCode,
};

pub use client::Client;
pub use daemon::{Daemon, Options, was_killed};
pub use failure::{Doing, Failure, Result};
pub use leftovers::Leftovers;
pub use logs::{Line, Stream, parse_log, read_log};
pub use node::{Node, RunningPod};
pub use program::program;
pub use registry::Registry;
pub use request::{Container, Pod, container, pod};
pub use slot::Slot;
pub use wait::{until, until_some};
pub use workspace::binary;

/// Runs a program made of tests that another program judges. It ends with 0: all as expected; 1: not so; 2: it could not be
/// run, and why is said on standard error.
///
/// # Panics
/// When the runtime cannot be built.
pub fn runner(name: &str, work: impl Future<Output = Result<bool>>) -> ExitCode {
    match run(work) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(failure) => {
            // Nobody is left to tell when this fails.
            let _ = writeln!(io::stderr(), "{name}: {}", failure.text());
            ExitCode::from(2)
        }
    }
}

/// One line to the person who waits.
///
/// # Errors
/// When standard output is gone.
pub fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Runs one test's future on a runtime of its own.
///
/// # Panics
/// When the runtime cannot be built.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        runtime.worker_threads(2).enable_all().build().expect("a runtime needs only threads and an epoll");
    runtime.block_on(test)
}
