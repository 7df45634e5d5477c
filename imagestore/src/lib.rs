//! The image store: pulls images from registries, verifies them, keeps their layers unpacked and ready for overlayfs.
//!
//! ```text
//! Store::pull ─► registry (resolve, fetch) ─► verify ─► unpack ─► layers ─► index     pull.rs reads as a table of contents
//! Store::{get,list,remove,gc,fs_usage,read_file}                                       answered from memory and store.rs
//! ```
//! It knows no pod, no container and no gRPC. Everything that comes from a registry is untrusted: it is bounded,
//! verified against its digest, and only then parsed; layers are verified before any of them becomes visible.

mod blocking;
mod catalog;
mod config;
mod content;
mod credentials;
mod digest;
mod error;
mod hooks;
mod image;
mod image_config;
mod ingest;
mod layers;
mod manifest;
mod mend;
mod meta;
mod platform;
mod pull;
mod record;
mod reference;
mod registry;
mod stack;
mod store;
pub mod unpack;
mod view;

pub use config::{Config, ProxySettings, Timeouts};
pub use credentials::Credentials;
pub use digest::{DiffId, Digest, DigestError};
pub use error::{Error, Fault, Kind, Result};
pub use hooks::{Progress, ProgressHook, PullHooks, STEPS, StepHook};
pub use image::Image;
pub use image_config::ImageConfig;
pub use layers::{FsUsage, Hold};
pub use manifest::{DOCUMENT_MAX_BYTES, LAYERS_MAX};
pub use platform::Platform;
pub use reference::Reference;
pub use store::{Store, files::Place};
