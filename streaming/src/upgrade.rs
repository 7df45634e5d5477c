//! The HTTP part: which request a connection brings, and how it stops being HTTP.

mod spdy;
mod websocket;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header, response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn, upgrade::OnUpgrade};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time;

pub(crate) use self::{
    spdy::{PROTOCOL_VERSION, SPDY},
    websocket::{ACCEPT, KEY, PROTOCOL, VERSION, WEBSOCKET},
};
use crate::{
    session::protocol::Command,
    socket::Socket,
    token::{self, Tokens},
    websocket::Dialect,
};

/// How long a client may take to send its request: kubelet sends it at once.
const REQUEST_TIME: Duration = Duration::from_secs(10);
/// Of a request line with its headers.
const MAX_REQUEST: usize = 16 * 1024;

/// A connection that has stopped being HTTP.
#[derive(Debug)]
pub(crate) struct Upgraded {
    pub(crate) request: token::Request,
    pub(crate) wire: Wire,
    pub(crate) socket: Socket,
    /// What the client sent right behind its request.
    pub(crate) ahead: Bytes,
}

/// What is spoken from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// SPDY; the protocol is that of exec and attach, port-forward has one only.
    Spdy(Command),
    /// SPDY in the messages of a WebSocket.
    Tunnel,
    /// WebSocket, with a channel for each stream.
    Channels(Dialect),
}

/// What the answer to the request promised.
struct Promise {
    request: token::Request,
    wire: Wire,
    upgrade: OnUpgrade,
}

/// Serves the one request of a connection. `None` when it was answered with an error, or never came.
pub(crate) async fn receive(socket: Socket, tokens: &Tokens) -> Option<Upgraded> {
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
    let Promise { request, wire, upgrade } = promise.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let upgraded = time::timeout(REQUEST_TIME, upgrade).await.ok()?.ok()?;
    let parts = upgraded.downcast::<TokioIo<Socket>>().ok()?;
    Some(Upgraded { request, wire, socket: parts.io.into_inner(), ahead: parts.read_buf })
}

type Answer = Response<Full<Bytes>>;

/// Decides about a request; a token is spent even if the rest of the request is wrong.
///
/// No `Origin` is refused: kubelet passes on those of dashboards. What keeps a web page out is that it cannot know
/// a token.
fn answer(mut request: Request<Incoming>, tokens: &Tokens) -> Result<(Answer, Promise), Box<Answer>> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "GET or POST"));
    }
    let path = request.uri().path().strip_prefix('/').and_then(|path| path.split_once('/'));
    let Some(wanted) = path.and_then(|(verb, token)| tokens.take(verb, token, Instant::now())) else {
        return Err(refuse(StatusCode::NOT_FOUND, "no such session: each URL works once, for a minute"));
    };
    let (response, wire) = match upgrade(request.headers()) {
        Some(SPDY) => spdy::answer(request.headers(), &wanted)?,
        Some(_) => websocket::answer(&request, &wanted)?,
        None => {
            let why = "this needs Connection: Upgrade, and Upgrade: SPDY/3.1 or websocket";
            return Err(refuse(StatusCode::BAD_REQUEST, why));
        }
    };
    let response = response.status(StatusCode::SWITCHING_PROTOCOLS).header(header::CONNECTION, "Upgrade");
    let Ok(response) = response.body(Full::default()) else {
        return Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, "cannot answer"));
    };
    let upgrade = hyper::upgrade::on(&mut request);
    Ok((response, Promise { request: wanted, wire, upgrade }))
}

/// What one wire makes of a request: an answer without status, and what is spoken after it.
type Agreed = Result<(response::Builder, Wire), Box<Answer>>;

/// What the client asks for in place of HTTP.
fn upgrade(headers: &HeaderMap) -> Option<&'static str> {
    let has = |name: &str, wanted: &str| words(headers, name).any(|word| word.eq_ignore_ascii_case(wanted));
    let spoken = [SPDY, WEBSOCKET].into_iter().find(|wire| has("upgrade", wire));
    spoken.filter(|_| has("connection", "upgrade"))
}

/// The words of a header that may be given several times or with commas.
fn words<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}

fn refuse(status: StatusCode, why: impl Into<Bytes>) -> Box<Answer> {
    let mut response = Response::new(Full::from(why.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    Box::new(response)
}
