//! From a CRI request and an image's config to the plan a monitor carries out: pure decisions; the kernel is asked through `Host` alone.
//!
//! ```text
//!   CRI config ─┐
//!   image facts ┼─ Input ──build──► OCI Spec ──lower──► LaunchPlan ──► monitor
//!   node facts ─┘                       │
//!                                       └── shown in ContainerStatus, later given to NRI and OCI runtimes
//! ```
//!
//! [`build`] decides everything and says it in the terms of the OCI runtime specification; [`lower`] only translates,
//! so that whatever changes the spec in between (NRI) changes the container. What the spec has no words for
//! (environment values that are not UTF-8, overlay layers, log paths) `lower` takes from the [`Input`].
//!
//! All that comes from an image is hostile and bounded here; what comes from the CRI client is only mistaken, but is
//! refused just as strictly where it would reach outside the container.

mod build;
mod capabilities;
pub mod cdi;
mod devices;
mod error;
mod exec;
mod files;
mod host;
mod input;
mod live_host;
mod log_path;
mod lower;
mod mounts;
mod node;
mod pod;
mod process;
pub mod resources;
mod seccomp;
mod security;
mod signal;
mod sysctl;
#[cfg(test)]
mod testing;
pub mod user;

pub use build::build;
pub use capabilities::CapabilitySet;
pub use error::{Kind, Result, SpecError};
pub use exec::{Exec, exec_plan};
pub use files::{hostname, hosts, resolv_conf};
pub use host::{Found, Host, HostDevice};
pub use input::{
    ImageFacts, ImageVolume, Input, NodeFacts, Paths, Policy, ResolvedMount, Rlimit, UnsetSeccomp, UserFiles,
};
pub use live_host::LiveHost;
pub use log_path::{LogPath, log_path};
pub use lower::lower;
pub use mounts::image_volumes;
pub use pod::{PodFacts, PodNamespaces, PodPid, check_pod};

pub use seccomp::{Cache, Filter, PROFILE_LIMIT, seccomp_profile_path};
pub use signal::{StopSignal, stop_signal};
