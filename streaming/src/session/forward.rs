//! One forwarded connection: dial the pod, copy both ways until both have ended.

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::Backend;

/// Bytes under way in each direction of one forwarded connection.
const BUFFER: usize = 16 * 1024;

/// How a forwarded connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Both ends closed in order, or the reason is on the error stream.
    Orderly,
    /// One end broke off: the other must see that too, not a clean end of file.
    Broken,
}

/// Connects `data` to `port` of the pod. Only a failed dial is worth words on `error`: kubectl gives up the whole
/// session when it reads any, and a connection that breaks off is the application's business.
pub(crate) async fn run(
    backend: &dyn Backend,
    pod: &str,
    port: u16,
    data: &mut (impl AsyncRead + AsyncWrite + Unpin),
    mut error: impl AsyncWrite + Unpin,
) -> End {
    let mut connection = match backend.port_forward(pod.to_owned(), port).await {
        Ok(connection) => connection,
        Err(cause) => {
            let text = format!("port {port} of pod {pod}: {cause}");
            // If these fail the client is gone.
            let _ = error.write_all(text.as_bytes()).await;
            let _ = error.shutdown().await;
            let _ = data.shutdown().await;
            return End::Orderly;
        }
    };
    // Each direction ends by itself: an end of file here becomes a shutdown there, the other way goes on.
    match tokio::io::copy_bidirectional_with_sizes(data, &mut connection, BUFFER, BUFFER).await {
        Ok(_) => End::Orderly,
        Err(cause) => {
            tracing::debug!(port, %cause, "forwarded connection broke off");
            End::Broken
        }
    }
}
