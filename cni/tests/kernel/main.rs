//! Tests against the kernel, as root, in network namespaces of their own.
#![expect(clippy::unwrap_used, reason = "a test")]

mod builtin;
mod hostports;
mod measure;
mod node;
mod plugins;
