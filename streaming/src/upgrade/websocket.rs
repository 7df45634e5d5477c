//! The way to WebSocket: RFC 6455's handshake.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Agreed, Answer, Wire, refuse, words};
use crate::{
    over_websocket::forward::MAX_PORTS,
    session::protocol::{self, NoCommonProtocol},
    token,
    websocket::{Dialect, TUNNEL},
};

/// As it is written in `Upgrade`.
pub(crate) const WEBSOCKET: &str = "websocket";
pub(crate) const PROTOCOL: &str = "sec-websocket-protocol";
pub(crate) const KEY: &str = "sec-websocket-key";
pub(crate) const ACCEPT: &str = "sec-websocket-accept";
/// The header, and its one value.
pub(crate) const VERSION: (&str, &str) = ("sec-websocket-version", "13");

pub(super) fn answer(request: &Request<Incoming>, wanted: &token::Request) -> Agreed {
    if request.method() != Method::GET {
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket begins with GET"));
    }
    let headers = request.headers();
    if words(headers, VERSION.0).ne([VERSION.1]) {
        let mut response = refuse(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version: 13");
        response.headers_mut().insert(VERSION.0, header::HeaderValue::from_static(VERSION.1));
        return Err(response);
    }
    let Some(key) = key(headers) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key: 16 bytes in base64"));
    };
    let offered = words(headers, PROTOCOL);
    let spoken = spoken(wanted);
    let unnamed = Wire::Channels(Dialect::OLDEST);
    let (named, wire) = protocol::choose(offered, &spoken, unnamed)
        .map_err(|NoCommonProtocol| no_protocol(spoken.iter().map(|(name, _)| *name)))?;
    if let (Wire::Channels(_), token::Request::PortForward(request)) = (wire, wanted)
        && !(1..=MAX_PORTS).contains(&request.ports.len())
    {
        let why =
            format!("over channels 1 to {MAX_PORTS} ports, named when the URL was asked for; or {TUNNEL}");
        return Err(refuse(StatusCode::BAD_REQUEST, why));
    }
    let mut response = Response::builder()
        .header(header::UPGRADE, WEBSOCKET)
        .header(ACCEPT, derive_accept_key(key.as_bytes()));
    if let Some(name) = named {
        response = response.header(PROTOCOL, name);
    }
    Ok((response, wire))
}

fn key(headers: &HeaderMap) -> Option<&str> {
    let key = headers.get(KEY)?.to_str().ok()?.trim();
    STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16).then_some(key)
}

fn spoken(wanted: &token::Request) -> Vec<(&'static str, Wire)> {
    let channels = Dialect::ALL.map(|(name, dialect)| (name, Wire::Channels(dialect)));
    match wanted {
        // A connection of channels ends as a whole, so there is nothing in it for v5 to close.
        token::Request::PortForward(_) => {
            let older = channels.into_iter().filter(|(_, wire)| *wire != Wire::Channels(Dialect::V5));
            [(TUNNEL, Wire::Tunnel)].into_iter().chain(older).collect()
        }
        token::Request::Exec(_) | token::Request::Attach(_) => channels.into(),
    }
}

fn no_protocol(spoken: impl Iterator<Item = &'static str>) -> Box<Answer> {
    let spoken: Vec<_> = spoken.collect();
    refuse(
        StatusCode::FORBIDDEN,
        format!("no common Sec-WebSocket-Protocol; spoken here: {}", spoken.join(", ")),
    )
}
