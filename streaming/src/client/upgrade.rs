//! Turns a URL of a streaming server into a socket that speaks SPDY or WebSocket.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header, request};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time};
use tokio_rustls::{TlsConnector, TlsStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{ClientError, Way, Wire};
use crate::{
    socket::{Socket, Tcp},
    upgrade::{ACCEPT, KEY, PROTOCOL, PROTOCOL_VERSION, SPDY, VERSION, WEBSOCKET},
};

/// How long a server may take to answer: it only has to look up a token.
const ANSWER: Duration = Duration::from_secs(30);
/// Of a refusal that is shown to a person.
const MAX_TEXT: usize = 4096;

/// A socket, what was read of it already, and the protocol the server chose.
pub(super) struct Opened {
    pub(super) socket: Socket,
    pub(super) ahead: Bytes,
    pub(super) protocol: Option<String>,
}

/// Connects and upgrades; `protocols` are offered in this order.
pub(super) async fn open(way: &Way, url: &str, protocols: &[&str]) -> Result<Opened, ClientError> {
    let bad = || ClientError::Url { url: url.to_owned() };
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    let secure = match uri.scheme_str() {
        Some("http") => None,
        Some("https") => Some(TlsConnector::from(way.tls.clone().ok_or_else(bad)?)),
        _ => return Err(bad()),
    };
    let port = authority.port_u16().unwrap_or(if secure.is_some() { 443 } else { 80 });
    let address = format!("{}:{port}", authority.host());
    let socket = TcpStream::connect(&address)
        .await
        .map_err(|source| ClientError::Connect { address: address.clone(), source })?;
    let socket = match secure {
        None => Socket::Plain(Tcp::new(socket)),
        Some(connector) => {
            let host = authority.host().trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(host.to_owned()).map_err(|_| bad())?;
            let connected = connector.connect(name, Tcp::new(socket)).await;
            let tls = connected.map_err(|source| ClientError::Tls { address, source })?;
            Socket::Tls(Box::new(TlsStream::Client(tls)))
        }
    };
    let asked = Asked::new(way.wire, protocols);
    let request = Request::builder().uri(uri.path()).header(header::HOST, authority.as_str());
    let request = asked.headers(request).body(Empty::<Bytes>::new()).map_err(|_| bad())?;
    exchange(socket, request, &asked).await
}

async fn exchange(
    socket: Socket,
    request: Request<Empty<Bytes>>,
    asked: &Asked<'_>,
) -> Result<Opened, ClientError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(ClientError::Http)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(ClientError::Http)?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_TEXT).collect().await;
        let text =
            body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
        Err(ClientError::Refused { status, text })
    };
    // The connection moves the bytes of the exchange, and ends when it is upgraded.
    let connection = connection.with_upgrades();
    let both = futures_util::future::join(exchange, connection);
    let (response, _) = time::timeout(ANSWER, both).await.map_err(|_| ClientError::Lost(None))?;
    let response = response?;
    let protocol = asked.agreed(&response)?;
    let upgraded = hyper::upgrade::on(response).await.map_err(ClientError::Http)?;
    let parts = upgraded.downcast::<TokioIo<Socket>>().map_err(|_| ClientError::Lost(None))?;
    Ok(Opened { socket: parts.io.into_inner(), ahead: parts.read_buf, protocol })
}

/// What a request says about the wire, and the answer must fit.
struct Asked<'a> {
    wire: Wire,
    protocols: &'a [&'a str],
    /// Of a WebSocket: shows that the answer is to this request. Nothing secret, and nothing here caches answers.
    key: String,
}

impl<'a> Asked<'a> {
    fn new(wire: Wire, protocols: &'a [&'a str]) -> Self {
        let mut nonce = [0; 16];
        // Without random numbers the key is known beforehand, which harms nobody.
        let _ = getrandom::fill(&mut nonce);
        Self { wire, protocols, key: STANDARD.encode(nonce) }
    }

    fn headers(&self, request: request::Builder) -> request::Builder {
        let request = request.header(header::CONNECTION, "Upgrade");
        match self.wire {
            Wire::Spdy => {
                let request = request.method(Method::POST).header(header::CONTENT_LENGTH, "0");
                let request = request.header(header::UPGRADE, SPDY);
                self.protocols.iter().fold(request, |request, name| request.header(PROTOCOL_VERSION, *name))
            }
            Wire::WebSocket => request
                .method(Method::GET)
                .header(header::UPGRADE, WEBSOCKET)
                .header(VERSION.0, VERSION.1)
                .header(KEY, self.key.as_str())
                .header(PROTOCOL, self.protocols.join(", ")),
        }
    }

    /// The subprotocol the server chose.
    fn agreed(&self, response: &Response<Incoming>) -> Result<Option<String>, ClientError> {
        let text = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        match self.wire {
            Wire::Spdy => Ok(text(PROTOCOL_VERSION).map(str::to_owned)),
            Wire::WebSocket => {
                let protocol = text(PROTOCOL).map(str::to_owned);
                let fits = text(ACCEPT)
                    .is_some_and(|accept| accept == derive_accept_key(self.key.as_bytes()))
                    && protocol.as_deref().is_some_and(|name| self.protocols.contains(&name));
                if fits {
                    Ok(protocol)
                } else {
                    Err(ClientError::Lost(Some("not a WebSocket's answer".into())))
                }
            }
        }
    }
}
