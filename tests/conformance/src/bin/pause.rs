//! The stand-in for `pause`: holds a pod's namespaces open, reaps orphans when it is process 1, leaves on SIGTERM.

use sys::signal::{SIGCHLD, SIGINT, SIGTERM, block_all, ignore, wait_for};

fn main() -> sys::Result<()> {
    // The kernel reaps for whoever ignores this signal.
    ignore(SIGCHLD)?;
    // Process 1 gets only signals it handles or blocks.
    block_all()?;
    wait_for(&[SIGTERM, SIGINT]).map(drop)
}
