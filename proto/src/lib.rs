//! The protocols Berth speaks: CRI v1 towards kubelet, its own towards the per-pod monitor, and the records on disk.

mod redact;

mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        rustdoc::all,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated code; what fires differs from message to message, so `expect` cannot serve"
    )]
    tonic::include_proto!("protocols");
}

/// berthd ⇄ monitor.
pub use generated::berth::monitor::v1 as monitor;
/// What is written to disk about pods and containers.
pub use generated::berth::record::v1 as record;
/// `berth` ⇄ berthd, where CRI has no words: messages, client and server of `berth.v1`.
pub use generated::berth::v1 as berth;
/// CRI v1: messages, client and server of `runtime.v1`.
pub use generated::runtime::v1 as cri;

/// The protocol buffer runtime, so that every crate encodes with the same version.
pub use prost;
