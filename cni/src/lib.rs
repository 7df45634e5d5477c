//! Networks of a pod: the built-in bridge made over netlink in this process, or a CNI conflist run by exec.
//!
//! Synchronous and free of policy: it knows no pod, no gRPC and no runtime. Calls may sleep in the kernel (the RTNL lock)
//! or wait for a plugin, so the daemon makes them from its blocking lane.
//!
//! * [`Builtin`]: bridge, veth, addresses and hostPorts of this node, without any other program.
//! * [`Ipam`]: who has which address of the subnet; in memory, rebuilt from the daemon's records.
//! * [`conf`], [`chain`]: CNI 0.3.1 to 1.1.0 networks; plugins are executed.

mod address;
mod builtin;
mod cache;
pub mod chain;
pub mod conf;
mod error;
mod failure;
mod firewall;
mod ids;
mod netlink;
mod plugin;
mod port;
pub mod result;
pub mod runtime_config;

pub use builtin::{Attached, BridgeConfig, Builtin, Pruned, Sandbox, ipam::Ipam};
pub use error::{Error, Kind, Result};
pub use failure::Failure;
pub use ids::{AttachmentId, IfName, NetworkName, host_interface};
pub use ipnet::{IpNet, Ipv4Net};
pub use port::{PortMapping, Protocol};
