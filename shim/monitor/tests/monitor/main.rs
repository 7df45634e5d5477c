//! Tests of the real binary: each starts a monitor as berthd does, drives it through its socket, and ends by
//! proving that nothing is left. They need root and a static /bin/busybox; without one they say so and pass.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod attach;
mod cgroups;
mod client;
mod confinement;
mod exec;
mod filesystem;
mod fixture;
mod lifecycle;
mod logs;
mod pids;
mod plans;
mod sandbox;
mod terminal;
mod timing;
mod volumes;
