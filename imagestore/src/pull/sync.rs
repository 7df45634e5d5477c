//! One syncfs(2) for all who wait for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::blocking;
use crate::error::Result;
use crate::layers::Layers;

/// Groups callers: a sync that began after a caller's last write is as good as its own.
#[derive(Debug, Default)]
pub(super) struct Syncer {
    asked: AtomicU64,
    /// The highest ticket that a finished sync covers.
    covered: Mutex<u64>,
}

impl Syncer {
    /// Returns when all that the caller wrote before the call is on the disk.
    pub(super) async fn sync(&self, layers: &Arc<Layers>) -> Result<()> {
        let ticket = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut covered = self.covered.lock().await;
        if *covered >= ticket {
            return Ok(());
        }
        let covers = self.asked.load(Ordering::SeqCst);
        let layers = Arc::clone(layers);
        // A failure covers nobody: the next in line tries for itself.
        blocking::run("sync layers", None, move || layers.sync()).await?;
        *covered = covers;
        Ok(())
    }
}
