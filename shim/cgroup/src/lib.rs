//! Control groups of containers: made, limited, measured, killed and removed, on v1, v2 and hybrid layouts.
//!
//! First cut by the lead so that the daemon compiles and containers get their directories; limits, statistics and
//! devices follow behind the same API.
mod error;
mod layout;
mod manager;
mod stats;

pub use error::{Error, Kind, Result};
pub use layout::Layout;
pub use manager::{Created, Manager};
pub use stats::{Cpu, Memory, Pids, Stats};
