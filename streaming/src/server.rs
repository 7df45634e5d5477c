//! The listener on localhost: gives out URLs, accepts connections, owns a task for each until it ends.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};
use tokio_rustls::{TlsAcceptor, TlsStream};
use tokio_util::sync::CancellationToken;

use crate::{
    AttachRequest, Backend, Duplex, ExecRequest, PortForwardRequest, over_spdy, over_websocket,
    session::{command::Verb, protocol::Command},
    socket::{Alive, Socket, Tcp},
    spdy::{self, Role},
    token::{Request, TokenError, Tokens},
    upgrade::{self, Upgraded, Wire},
    websocket::{self, Tunnel},
};

/// Connections that have not shown a token yet; each lives ten seconds at most.
const MAX_STRANGERS: usize = 1024;
/// How long a client may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The streaming server. Bind it, put it in an `Arc`, give out URLs, and run `serve` in one task.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tokens: Tokens,
    sessions: AtomicUsize,
    tls: Option<Arc<rustls::ServerConfig>>,
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
        Ok(Self { listener, address, tokens: Tokens::default(), sessions: AtomicUsize::new(0), tls: None })
    }

    /// Serves https from now on, and nothing else.
    #[must_use]
    pub fn with_tls(self, config: Arc<rustls::ServerConfig>) -> Self {
        Self { tls: Some(config), ..self }
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
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}/{verb}/{token}", self.address))
    }

    /// Sessions being served now.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Serves until `shutdown` is cancelled; then every session is dropped before this returns.
    pub async fn serve(self: Arc<Self>, backend: Arc<dyn Backend>, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        let strangers = Arc::new(Semaphore::new(MAX_STRANGERS));
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = connections.join_next() => {}
                (permit, socket) = self.accept(&strangers) => {
                    connections.spawn(Arc::clone(&self).connection(socket, permit, Arc::clone(&backend)));
                }
            }
        }
        connections.shutdown().await;
    }

    /// The next connection, once there is room for another that has not shown its token.
    async fn accept(&self, strangers: &Arc<Semaphore>) -> (Option<OwnedSemaphorePermit>, TcpStream) {
        // Never closed, hence never an error.
        let permit = Arc::clone(strangers).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => return (permit, socket),
                Err(error) => {
                    // Out of descriptors, most likely: that passes.
                    tracing::warn!(%error, "accept streaming connection");
                    time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        socket: TcpStream,
        permit: Option<OwnedSemaphorePermit>,
        backend: Arc<dyn Backend>,
    ) {
        let socket = match self.secure(Tcp::new(socket)).await {
            Ok(socket) => socket,
            Err(error) => return tracing::debug!(%error, "TLS with a streaming client"),
        };
        let Some(upgraded) = upgrade::receive(socket, &self.tokens).await else { return };
        drop(permit);
        let _counted = Counted::new(&self.sessions);
        let verb = upgraded.request.verb();
        if let Err(error) = session(upgraded, backend).await {
            tracing::debug!(verb, error = %chain(&*error), "streaming connection ended");
        }
    }
}

impl Server {
    /// The socket HTTP runs on.
    async fn secure(&self, tcp: Tcp) -> io::Result<Socket> {
        let Some(config) = &self.tls else { return Ok(Socket::Plain(tcp)) };
        let handshake = TlsAcceptor::from(Arc::clone(config)).accept(tcp);
        let tls = time::timeout(HANDSHAKE, handshake).await.map_err(io::Error::from)??;
        Ok(Socket::Tls(Box::new(TlsStream::Server(tls))))
    }
}

/// How a session ended that did not end well: its wire's error.
type Broken = Box<dyn std::error::Error + Send + Sync>;

async fn session(upgraded: Upgraded, backend: Arc<dyn Backend>) -> Result<(), Broken> {
    let Upgraded { request, wire, socket, ahead } = upgraded;
    let alive = socket.alive();
    match wire {
        Wire::Spdy(protocol) => {
            let duplex = (socket, alive, ahead);
            over_spdy(duplex, request, protocol, backend).await?;
        }
        Wire::Tunnel => {
            let tunnel = Tunnel::open(socket, ahead, websocket::Role::Server).await;
            // Nothing is named in a tunnel: only port-forward goes through one.
            over_spdy((tunnel, alive, Bytes::new()), request, Command::V4, backend).await?;
        }
        Wire::Channels(dialect) => match request {
            Request::PortForward(request) => {
                over_websocket::forward::serve(socket, ahead, backend, request, dialect).await?;
            }
            Request::Exec(request) => {
                over_websocket::command::serve(socket, ahead, backend, Verb::Exec(request), dialect).await?;
            }
            Request::Attach(request) => {
                over_websocket::command::serve(socket, ahead, backend, Verb::Attach(request), dialect)
                    .await?;
            }
        },
    }
    Ok(())
}

async fn over_spdy(
    (socket, alive, ahead): (impl Duplex + 'static, Alive, Bytes),
    request: Request,
    protocol: Command,
    backend: Arc<dyn Backend>,
) -> Result<(), spdy::Error> {
    let connect =
        |max_streams| spdy::connect(socket, alive, ahead, Role::Server, max_streams, over_spdy::IDLE);
    match request {
        Request::PortForward(request) => {
            let (connection, handle) = connect(over_spdy::forward::MAX_STREAMS);
            over_spdy::forward::serve(connection, handle, backend, request).await
        }
        Request::Exec(request) => {
            let (connection, handle) = connect(over_spdy::command::MAX_STREAMS);
            over_spdy::command::serve(connection, handle, backend, Verb::Exec(request), protocol).await
        }
        Request::Attach(request) => {
            let (connection, handle) = connect(over_spdy::command::MAX_STREAMS);
            over_spdy::command::serve(connection, handle, backend, Verb::Attach(request), protocol).await
        }
    }
}

/// One more, for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An error with all its causes.
fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests;
