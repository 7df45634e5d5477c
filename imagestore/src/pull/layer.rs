//! One layer's way into the store: download and unpack at once, verify, sync, add.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::blocking;
use crate::digest::DiffId;
use crate::error::{Error, Kind, Result};
use crate::hooks::PullHooks;
use crate::ingest::Ingest;
use crate::manifest::Descriptor;
use crate::pull::meter::Meter;
use crate::pull::pipeline::{self, Failed, Unpacked, Verified};
use crate::record::Record;
use crate::registry::{LayerStream, Session};
use crate::store::Shared;
use crate::unpack::LowerLayers;
use crate::view::View;

/// Pieces of a layer between network and unpacking, each at most a read of the socket.
const CHUNKS_WAITING: usize = 16;

/// What all layers of one pull need.
pub(super) struct Work<'a> {
    pub(super) store: &'a Arc<Shared>,
    pub(super) session: &'a Arc<Session>,
    pub(super) hooks: &'a PullHooks,
    pub(super) meter: Arc<Meter>,
}

impl Work<'_> {
    /// Brings one layer into the store as `key`. Content that is not what it should be is asked for once more from
    /// each server that nobody has asked yet.
    pub(super) async fn bring(
        &self,
        layer: &Descriptor,
        diff_id: DiffId,
        key: DiffId,
        lower: Option<Arc<View>>,
    ) -> std::result::Result<(), Failed> {
        let mut from = 0;
        loop {
            let (unpacked, others) = self.fetch(layer, lower.clone(), from).await;
            let verified = match unpacked {
                Ok(unpacked) => self.verify(unpacked, diff_id).await.map_err(Failed::Error),
                Err(failed) => Err(failed),
            };
            match (verified, others) {
                (Ok(verified), _) => return self.keep(verified, diff_id, key).await.map_err(Failed::Error),
                (Err(Failed::Error(error)), Some(next)) if error.kind() == Kind::DigestMismatch => {
                    tracing::warn!(%error, "layer is fetched again from another server");
                    from = next;
                }
                (Err(failed), _) => return Err(failed),
            }
        }
    }

    /// Downloads from the servers from `from` on, and unpacks as it comes. Also tells which servers are left.
    async fn fetch(
        &self,
        layer: &Descriptor,
        lower: Option<Arc<View>>,
        from: usize,
    ) -> (std::result::Result<Unpacked, Failed>, Option<usize>) {
        let permits = Arc::clone(&self.store.pulls.permits);
        let (send, receive) = mpsc::channel(CHUNKS_WAITING);
        let permit = match permits.acquire_owned().await {
            Ok(permit) => permit,
            Err(closed) => {
                return (
                    Err(Failed::Error(Error::io("wait for", "(permit)")(std::io::Error::other(closed)))),
                    None,
                );
            }
        };
        if let Err(error) = self.hooks.reach("pull.layer.fetch") {
            return (Err(Failed::Error(error)), None);
        }
        let (store, wanted) = (Arc::clone(self.store), layer.clone());
        let unpacking = blocking::run("unpack layer", Some(permit), move || {
            let ingest = store.ingest.create()?;
            let lower = lower.as_deref().map(|view| view as &dyn LowerLayers);
            Ok(pipeline::unpack(receive, wanted, ingest, lower))
        });
        let mut download = LayerStream::new(Arc::clone(self.session), layer.clone(), from);
        let downloading = async {
            let result = self.pass_on(&mut download, send).await;
            (result, download.others())
        };
        let ((downloaded, others), unpacked) = tokio::join!(downloading, unpacking);
        let result = match (downloaded, unpacked) {
            // Why the download ended explains why unpacking did.
            (Err(error), _) | (Ok(()), Err(error)) => Err(Failed::Error(error)),
            (Ok(()), Ok(unpacked)) => unpacked,
        };
        (result, others)
    }

    async fn pass_on(&self, download: &mut LayerStream, send: mpsc::Sender<bytes::Bytes>) -> Result<()> {
        while let Some(bytes) = download.next().await? {
            self.meter.received(bytes.len() as u64);
            if send.send(bytes).await.is_err() {
                // The other end gave up, and says why.
                break;
            }
        }
        Ok(())
    }

    async fn verify(&self, unpacked: Unpacked, diff_id: DiffId) -> Result<Verified> {
        self.hooks.reach("pull.layer.verify")?;
        blocking::run("verify layer", None, move || unpacked.verify(diff_id)).await
    }

    /// Syncs and adds to the store.
    async fn keep(&self, verified: Verified, diff_id: DiffId, key: DiffId) -> Result<()> {
        self.hooks.reach("pull.layer.sync")?;
        self.store.pulls.syncer.sync(&self.store.layers).await?;
        self.hooks.reach("pull.layer.commit")?;
        let Verified { ingest, record, bound_to_lower } = verified;
        debug_assert_eq!(bound_to_lower, key != diff_id, "only a bound tree has another id than its layer");
        add(self.store, key, record, ingest).await?;
        self.meter.layer_done(0);
        Ok(())
    }
}

/// Gives a verified and synced layer its place.
pub(super) async fn add(store: &Arc<Shared>, key: DiffId, record: Record, ingest: Ingest) -> Result<()> {
    let layers = Arc::clone(&store.layers);
    blocking::run("commit layer", None, move || layers.add(key, &record, ingest)).await
}
