//! How much a container's writable layer takes.
//!
//! Counting costs a stat per file, so a running container's is counted at most every ten seconds, an ended one's once.
use std::{
    os::fd::AsFd,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use imagestore::FsUsage;
use proto::record::State;

use super::Container;
use crate::ctx::Ctx;

/// kubelet asks every ten seconds.
const AGE: Duration = Duration::from_secs(10);

/// The last count.
#[derive(Debug, Default)]
pub(super) struct Counted(Mutex<Option<Count>>);

#[derive(Debug, Clone, Copy)]
struct Count {
    at: Instant,
    /// Nothing writes to it any more.
    is_final: bool,
    usage: FsUsage,
}

/// What the layer takes, and how long ago that was counted; zero if it was now. Of a layer that is gone or cannot be read:
/// nothing. Blocks.
pub(crate) fn usage(cx: &Ctx, container: &Container) -> (Duration, FsUsage) {
    let last = *container.layer.0.lock().unwrap_or_else(PoisonError::into_inner);
    match last {
        Some(last) if last.is_final || last.at.elapsed() < AGE => (last.at.elapsed(), last.usage),
        _ => {
            let (at, is_final) = (Instant::now(), container.state() == State::Stopped);
            let usage = count(cx, container);
            let count = Count { at, is_final, usage };
            *container.layer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
            (Duration::ZERO, usage)
        }
    }
}

fn count(cx: &Ctx, container: &Container) -> FsUsage {
    let counted = sys::path::open_dir(cx.layout.container_upper(container.id()))
        .and_then(|upper| sys::tree::usage(upper.as_fd()));
    match counted {
        Ok(usage) => FsUsage { bytes: usage.bytes, inodes: usage.inodes },
        Err(error) => {
            tracing::debug!(container = %container.id(), %error, "a writable layer could not be counted");
            FsUsage::default()
        }
    }
}
