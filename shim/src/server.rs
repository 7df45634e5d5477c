//! The gRPC edge: the only place that knows tonic. Each RPC converts, calls one verb, converts back.
use std::{
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, Result};
use proto::{
    berth::berth_server::BerthServer,
    cri::{image_service_server::ImageServiceServer, runtime_service_server::RuntimeServiceServer},
};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;

use crate::ctx::Ctx;

mod berth_service;
mod deadline;
mod image_service;
mod node_status;
mod runtime_service;
mod status;
mod streaming_backend;
mod streams;

pub(crate) use streaming_backend::StreamingBackend;

/// Both ways: a pod with thousands of services has a CreateContainer above tonic's default of 4 MiB.
const MESSAGE_BYTES: usize = 16 << 20;

/// Binds the socket, replacing one that nobody listens on any more.
pub(crate) fn bind(path: &Path) -> Result<UnixListener> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
    }
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {
            anyhow::ensure!(
                std::os::unix::net::UnixStream::connect(path).is_err(),
                "socket {}: another daemon listens on it; stop that one or choose another --socket",
                path.display()
            );
            std::fs::remove_file(path)
                .with_context(|| format!("remove the stale socket {}", path.display()))?;
        }
        Ok(_) => anyhow::bail!("socket {}: exists and is not a socket; move it away", path.display()),
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("listen on {}", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("restrict {}", path.display()))?;
    Ok(listener)
}

/// Serves until `shutdown`, then lets requests under way finish.
pub(crate) async fn serve(cx: Arc<Ctx>, listener: UnixListener, shutdown: CancellationToken) -> Result<()> {
    let runtime = RuntimeServiceServer::new(runtime_service::Runtime::new(cx.clone()))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let images = ImageServiceServer::new(image_service::Images::new(cx.clone()))
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    tonic::transport::Server::builder()
        .layer(deadline::DeadlineLayer)
        .add_service(runtime)
        .add_service(images)
        .add_service(BerthServer::new(berth_service::Berth::new(cx)))
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), shutdown.cancelled_owned())
        .await
        .context("serve gRPC")
}
