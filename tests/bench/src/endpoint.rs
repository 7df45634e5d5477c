//! A runtime that is being measured: its clients, its daemon, and what we have made there.
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use proto::cri::VersionRequest;
use proto::cri::image_service_client::ImageServiceClient;
use proto::cri::runtime_service_client::RuntimeServiceClient;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Uri};

use crate::args::{Args, Named, Socket, find};

/// Lists of thousands of containers exceed gRPC's usual 4 MiB; kubelet takes 16.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// As long as kubelet waits for a pod. A runtime that hangs ends the run, so that its pods are cleaned up.
const PATIENCE: Duration = Duration::from_secs(240);

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    /// Name and version by its own account.
    pub(crate) runtime: String,
    pub(crate) handler: String,
    /// None if systemd listens for it and no --pid says which it is.
    pub(crate) daemon: Option<i32>,
    /// Given by --cgroup.
    pub(crate) cgroup: Option<PathBuf>,
    runtime_client: RuntimeServiceClient<Channel>,
    image_client: ImageServiceClient<Channel>,
    ids: Mutex<HashSet<String>>,
    unsupported: Mutex<BTreeSet<String>>,
}

impl Endpoint {
    pub(crate) async fn connect(given: &Named<Socket>, args: &Args) -> Result<Self> {
        let Named { name, value: Socket(path) } = given;
        let listener = peer_pid(path).await.with_context(|| format!("connect to {}", path.display()))?;
        let channel = channel(path).await.with_context(|| format!("connect to {}", path.display()))?;
        let mut runtime_client = RuntimeServiceClient::new(channel.clone())
            .max_decoding_message_size(MAX_MESSAGE_BYTES)
            .max_encoding_message_size(MAX_MESSAGE_BYTES);
        let version = runtime_client.version(VersionRequest { version: "0.1.0".to_owned() }).await;
        let version = version.with_context(|| format!("ask {name} for its version"))?.into_inner();
        Ok(Self {
            name: name.clone(),
            runtime: format!("{} {}", version.runtime_name, version.runtime_version),
            handler: args.handler_for(name),
            daemon: find(&args.pid, name).copied().or(listener),
            cgroup: find(&args.cgroup, name).cloned(),
            runtime_client,
            image_client: ImageServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE_BYTES),
            ids: Mutex::default(),
            unsupported: Mutex::default(),
        })
    }

    pub(crate) fn runtime_client(&self) -> RuntimeServiceClient<Channel> {
        self.runtime_client.clone()
    }

    pub(crate) fn image_client(&self) -> ImageServiceClient<Channel> {
        self.image_client.clone()
    }

    /// Remembers a pod or a container, for its processes to be known by it.
    pub(crate) fn remember(&self, id: &str) {
        lock(&self.ids).insert(id.to_owned());
    }

    pub(crate) fn ids(&self) -> HashSet<String> {
        lock(&self.ids).clone()
    }

    pub(crate) fn lacks(&self, call: &str) {
        lock(&self.unsupported).insert(call.to_owned());
    }

    /// Calls that it answered with UNIMPLEMENTED.
    pub(crate) fn lacking(&self) -> BTreeSet<String> {
        lock(&self.unsupported).clone()
    }
}

async fn channel(path: &Path) -> Result<Channel> {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    // The address is never looked up; it becomes the authority, which is what kubelet sends.
    let endpoint = tonic::transport::Endpoint::from_static("http://localhost").timeout(PATIENCE);
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// Who called listen(2); not necessarily who answers.
async fn peer_pid(path: &Path) -> Result<Option<i32>> {
    let stream = UnixStream::connect(path).await?;
    Ok(stream.peer_cred()?.pid().filter(|pid| *pid > 1))
}

/// Nothing that is done under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
