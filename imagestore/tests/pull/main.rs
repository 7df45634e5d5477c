//! Pulls from scripted registries on loopback addresses: the good, the broken and the hostile.
#![expect(clippy::unwrap_used, reason = "a test")]

mod auth;
mod disk;
mod documents;
mod fake;
mod images;
mod mirrors;
mod plain;
mod real;
mod redirects;
mod scene;
mod stacking;
mod steps;
mod tls;
mod transfer;
