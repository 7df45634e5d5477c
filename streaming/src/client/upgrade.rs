//! Turns a URL of a streaming server into a socket that speaks SPDY.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time};

use super::ClientError;
use crate::upgrade::{PROTOCOL_VERSION, SPDY};

/// How long a server may take to answer: it only has to look up a token.
const ANSWER: Duration = Duration::from_secs(30);
/// Of a refusal that is shown to a person.
const MAX_TEXT: usize = 4096;

/// A socket, what was read of it already, and the protocol the server chose.
pub(super) struct Opened {
    pub(super) socket: TcpStream,
    pub(super) ahead: Bytes,
    pub(super) protocol: Option<String>,
}

/// Connects and upgrades; `protocols` are offered in this order.
pub(super) async fn open(url: &str, protocols: &[&str]) -> Result<Opened, ClientError> {
    let bad = || ClientError::Url { url: url.to_owned() };
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(bad()) };
    let address = format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80));
    let socket = TcpStream::connect(&address)
        .await
        .map_err(|source| ClientError::Connect { address: address.clone(), source })?;
    // Keys typed must not wait for more; failing only makes it slower.
    let _ = socket.set_nodelay(true);

    let mut request = Request::post(uri.path())
        .header(header::HOST, authority.as_str())
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, SPDY)
        .header(header::CONTENT_LENGTH, "0");
    for protocol in protocols {
        request = request.header(PROTOCOL_VERSION, *protocol);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| bad())?;

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
    let protocol =
        response.headers().get(PROTOCOL_VERSION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let upgraded = hyper::upgrade::on(response).await.map_err(ClientError::Http)?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().map_err(|_| ClientError::Lost(None))?;
    Ok(Opened { socket: parts.io.into_inner(), ahead: parts.read_buf, protocol })
}
