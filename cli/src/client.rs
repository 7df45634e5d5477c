//! The connection to berthd's socket, with a client for each of its services.

use std::path::{Path, PathBuf};

use hyper_util::rt::TokioIo;
use proto::{
    berth::berth_client::BerthClient,
    cri::{image_service_client::ImageServiceClient, runtime_service_client::RuntimeServiceClient},
};
use streaming::{client::Way, tls};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::failure::{Doing, Failure, Result, chain};

/// Lists of a full node exceed gRPC's usual 4 MiB.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// berthd's services.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) runtime: RuntimeServiceClient<Channel>,
    pub(crate) images: ImageServiceClient<Channel>,
    pub(crate) berth: BerthClient<Channel>,
    /// How sessions go over the URLs the daemon gives.
    pub(crate) way: Way,
}

/// Connects to the daemon that listens on `socket`.
pub(crate) async fn connect(socket: &Path) -> Result<Client> {
    let path: PathBuf = socket.to_owned();
    let dial = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    // The name is for HTTP's sake; the connector decides where to go.
    let channel = Endpoint::from_static("http://berth").connect_with_connector(dial).await;
    let channel = channel.map_err(|error| unreachable_daemon(socket, &error))?;
    Ok(Client {
        runtime: RuntimeServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER),
        images: ImageServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER),
        berth: BerthClient::new(channel),
        way: Way::default(),
    })
}

impl Client {
    /// With a daemon whose streaming server has one of the certificates in `file`, or one that they vouch for.
    pub(crate) fn trusting(self, file: &Path) -> Result<Self> {
        let what = format!("trust {}", file.display());
        let trusted = std::fs::read(file).doing(&what)?;
        let config =
            tls::client(&trusted).map_err(|error| Failure::new(format!("{what}: {}", chain(&error))))?;
        Ok(Self { way: Way { tls: Some(config), ..self.way }, ..self })
    }
}

fn unreachable_daemon(socket: &Path, error: &tonic::transport::Error) -> Failure {
    let text = chain(error);
    let next = if text.contains("Permission denied") {
        "sudo berth …: the socket belongs to root".to_owned()
    } else {
        "`systemctl start berth`, or --socket PATH (BERTH_SOCKET) if berthd listens elsewhere; \
         `sudo berth quickstart` needs none"
            .to_owned()
    };
    // tonic's own words say nothing; the last cause is the kernel's.
    let cause = text.rsplit(": ").next().unwrap_or(&text);
    Failure::new(format!("no berthd at {}: {cause}", socket.display())).or_try(next)
}
