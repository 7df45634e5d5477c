//! Control groups of containers: made, limited, measured, killed and removed, on v1, v2 and hybrid layouts.
//!
//! A group is named by a path below the hierarchies' roots; on v1 it has a directory in each hierarchy, on v2 one. What a
//! limit means is decided in `limits` (pure); `manager` only writes and reads files.
mod error;
mod files;
mod kill;
mod layout;
mod limits;
mod manager;
mod name;
mod stats;

pub use error::{Error, Kind, Result};
pub use layout::Layout;
pub use manager::{Created, Manager};
pub use stats::{Cpu, Memory, Pids, Stats};
