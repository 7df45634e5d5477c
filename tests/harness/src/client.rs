//! A CRI client as a test wants it: a method a verb, arguments instead of messages, the server's refusal as it came.

mod containers;
mod images;
mod pods;

use std::path::Path;

use hyper_util::rt::TokioIo;
use proto::cri::{
    RuntimeConfigRequest, RuntimeConfigResponse, StatusRequest, StatusResponse, UpdateRuntimeConfigRequest,
    VersionRequest, VersionResponse, image_service_client::ImageServiceClient,
    runtime_service_client::RuntimeServiceClient,
};
use tokio::net::UnixStream;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use crate::Result;

/// What kubelet allows itself to receive.
const MESSAGE_LIMIT_BYTES: usize = 16 << 20;

/// A connection to a CRI socket.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(socket: &Path) -> Result<Self> {
        let socket = socket.to_owned();
        // The authority is never looked up; kubelet sends this one.
        let endpoint = Endpoint::try_from("http://localhost")?;
        let connector = service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        Ok(Self { channel: endpoint.connect_with_connector(connector).await? })
    }

    /// The generated client, for what has no method here.
    pub fn runtime(&self) -> RuntimeServiceClient<Channel> {
        RuntimeServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES)
    }

    /// The generated client of the image service.
    pub fn image_service(&self) -> ImageServiceClient<Channel> {
        ImageServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT_BYTES)
            .max_encoding_message_size(MESSAGE_LIMIT_BYTES)
    }

    /// Version.
    ///
    /// # Errors
    /// The server's status; so for all that follow.
    pub async fn version(&self) -> Result<VersionResponse, Status> {
        let request = VersionRequest { version: "0.1.0".to_owned() };
        Ok(self.runtime().version(request).await?.into_inner())
    }

    /// Status, with the verbose information.
    ///
    /// # Errors
    /// As above.
    pub async fn node_status(&self) -> Result<StatusResponse, Status> {
        Ok(self.runtime().status(StatusRequest { verbose: true }).await?.into_inner())
    }

    /// RuntimeConfig.
    ///
    /// # Errors
    /// As above.
    pub async fn runtime_config(&self) -> Result<RuntimeConfigResponse, Status> {
        Ok(self.runtime().runtime_config(RuntimeConfigRequest {}).await?.into_inner())
    }

    /// UpdateRuntimeConfig with a pod CIDR.
    ///
    /// # Errors
    /// As above.
    pub async fn set_pod_cidr(&self, cidr: &str) -> Result<(), Status> {
        let network = proto::cri::NetworkConfig { pod_cidr: cidr.to_owned() };
        let config = proto::cri::RuntimeConfig { network_config: Some(network) };
        let request = UpdateRuntimeConfigRequest { runtime_config: Some(config) };
        self.runtime().update_runtime_config(request).await.map(drop)
    }
}
