//! Control groups of containers: made, limited, measured, frozen, killed and removed, on v1, v2 and hybrid layouts.
//!
//! A group is named by a path below the hierarchies' roots; on v1 it has a directory in each hierarchy, on v2 one.
//! What a limit means is decided in `limits` and `devices` (pure); the rest only writes and reads files. Nothing is
//! remembered here: what exists is what the kernel says. The files are those of the kernel's
//! admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/. The controllers that hardly any container uses (block I/O
//! limits, network classes, real-time CPU) and the talk with systemd are left to cgroups-rs; the others are on the way of every container
//! start, and cgroups-rs opens each file anew, knows no device programs and no partial failure.

mod devices;
mod driver;
mod error;
mod files;
mod freeze;
mod kill;
mod layout;
mod limits;
mod make;
mod manager;
pub mod metrics;
mod name;
mod rare;
mod remove;
mod stats;
mod systemd;

pub use driver::Driver;
pub use error::{Error, Kind, Result};
pub use layout::Layout;
pub use limits::{cpu_shares, cpu_weight};
pub use manager::{Created, Manager};
pub use stats::{Cpu, Memory, Pids, Stats};
