//! Port-forward over WebSocket channels, as clients had it before the tunnel: one connection for each port.

use std::{future::pending, sync::Arc};

use bytes::Bytes;
use futures_util::future;
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::{
    Backend, PortForwardRequest, over_spdy,
    session::forward,
    socket::Socket,
    websocket::{Channels, Dialect, Error, Role},
};

/// Two channels for each, and the numbers must be digits or what follows them when written as text.
pub(crate) const MAX_PORTS: usize = 16;

/// Serves the ports the URL was made for, each by a channel for data and one for an error.
pub(crate) async fn serve(
    socket: Socket,
    ahead: Bytes,
    backend: Arc<dyn Backend>,
    request: PortForwardRequest,
    dialect: Dialect,
) -> Result<(), Error> {
    let mut channels = Channels::new(dialect, Role::Server);
    let pod = request.pod_id.as_str();
    let connections: Vec<_> = (0..)
        .step_by(2)
        .zip(request.ports.iter().take(MAX_PORTS))
        .map(|(number, &port)| {
            let (reader, writer) = (channels.input(number), channels.output(number));
            connection(&*backend, pod, port, (reader, writer), channels.output(number + 1))
        })
        .collect();
    let session = async {
        future::join_all(connections).await;
        pending().await
    };
    tokio::select! {
        result = channels.run(socket, ahead, over_spdy::IDLE) => result,
        () = session => Ok(()),
    }
}

/// Both channels begin with the port, so that the client knows whose they are.
async fn connection(
    backend: &dyn Backend,
    pod: &str,
    port: u16,
    (reader, mut writer): (DuplexStream, DuplexStream),
    mut error: DuplexStream,
) {
    let told = writer.write_all(&port.to_le_bytes()).await.and(error.write_all(&port.to_le_bytes()).await);
    if told.is_ok() {
        // A break cannot be told from an end here: closing the channels is all there is.
        forward::run(backend, pod, port, &mut tokio::io::join(reader, writer), error).await;
    }
}
