//! The HTTP part: which request a connection brings, and how it stops being HTTP.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, time};

use crate::{
    session::protocol::{self, Command, NoCommonProtocol, PORT_FORWARD},
    token::{self, Tokens},
};

/// How long a client may take to send its request: kubelet sends it at once.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Of a request line with its headers.
const MAX_REQUEST: usize = 16 * 1024;
/// The wire both sides change to.
pub(crate) const SPDY: &str = "SPDY/3.1";
pub(crate) const PROTOCOL_VERSION: &str = "x-stream-protocol-version";
const ACCEPTED_VERSIONS: &str = "x-accepted-stream-protocol-versions";

/// A connection that has stopped being HTTP.
#[derive(Debug)]
pub(crate) struct Upgraded {
    pub(crate) request: token::Request,
    /// Of exec and attach; port-forward has one only.
    pub(crate) protocol: Command,
    pub(crate) socket: TcpStream,
    /// What the client sent right behind its request.
    pub(crate) ahead: Bytes,
}

/// What the answer to the request promised.
struct Promise {
    request: token::Request,
    protocol: Command,
    upgrade: OnUpgrade,
}

/// Serves the one request of a connection. `None` when it was answered with an error, or never came.
pub(crate) async fn receive(socket: TcpStream, tokens: &Tokens) -> Option<Upgraded> {
    let promise = Arc::new(Mutex::new(None));
    let service = service_fn(|request| {
        let response = match answer(request, tokens) {
            Ok((response, made)) => {
                *promise.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                response
            }
            Err(refusal) => *refusal,
        };
        async move { Ok::<_, io::Error>(response) }
    });
    let connection = http1::Builder::new()
        .max_buf_size(MAX_REQUEST)
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIME)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    if let Ok(Err(error)) = time::timeout(2 * REQUEST_TIME, connection).await {
        tracing::debug!(%error, "streaming request failed");
    }
    let Promise { request, protocol, upgrade } =
        promise.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let upgraded = time::timeout(REQUEST_TIME, upgrade).await.ok()?.ok()?;
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    Some(Upgraded { request, protocol, socket: parts.io.into_inner(), ahead: parts.read_buf })
}

type Answer = Response<Full<Bytes>>;

/// Decides about a request; a token is spent even if the rest of the request is wrong.
fn answer(mut request: Request<Incoming>, tokens: &Tokens) -> Result<(Answer, Promise), Box<Answer>> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "GET or POST"));
    }
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
    let Some(wanted) = path.and_then(|(verb, token)| tokens.take(verb, token, Instant::now())) else {
        return Err(refuse(StatusCode::NOT_FOUND, "no such session: each URL works once, for a minute"));
    };
    if !is_upgrade(request.headers()) {
        return Err(refuse(StatusCode::BAD_REQUEST, "this needs Connection: Upgrade and Upgrade: SPDY/3.1"));
    }
    let offered = versions(request.headers());
    let (named, protocol) =
        choose(&wanted, offered.iter().copied()).map_err(|NoCommonProtocol| no_protocol(&wanted))?;
    let mut response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, SPDY);
    if let Some(name) = named {
        response = response.header(PROTOCOL_VERSION, name);
    }
    let Ok(response) = response.body(Full::default()) else {
        return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "cannot answer"));
    };
    let upgrade = hyper::upgrade::on(&mut request);
    Ok((response, Promise { request: wanted, protocol, upgrade }))
}

fn choose<'a>(
    wanted: &token::Request,
    offered: impl Iterator<Item = &'a str>,
) -> Result<(Option<&'a str>, Command), NoCommonProtocol> {
    match wanted {
        token::Request::PortForward(_) => {
            protocol::choose(offered, &[(PORT_FORWARD, Command::V4)], Command::V4)
        }
        token::Request::Exec(_) | token::Request::Attach(_) => {
            protocol::choose(offered, &Command::ALL.map(|version| (version.name(), version)), Command::V1)
        }
    }
}

/// The words of a header that may be given several times or with commas.
fn words<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

/// The subprotocols the client speaks, the best first.
fn versions(headers: &HeaderMap) -> Vec<&str> {
    words(headers, PROTOCOL_VERSION).collect()
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    let has = |name: &str, wanted: &str| words(headers, name).any(|word| word.eq_ignore_ascii_case(wanted));
    has("connection", "upgrade") && has("upgrade", SPDY)
}

fn refuse(status: StatusCode, why: &'static str) -> Box<Answer> {
    let mut response = Response::new(Full::from(why));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    Box::new(response)
}

fn no_protocol(wanted: &token::Request) -> Box<Answer> {
    let mut response = refuse(StatusCode::FORBIDDEN, "no common X-Stream-Protocol-Version");
    let spoken: &[&str] = match wanted {
        token::Request::PortForward(_) => &[PORT_FORWARD],
        token::Request::Exec(_) | token::Request::Attach(_) => &Command::ALL.map(Command::name),
    };
    for name in spoken {
        if let Ok(value) = header::HeaderValue::from_str(name) {
            response.headers_mut().append(ACCEPTED_VERSIONS, value);
        }
    }
    response
}
