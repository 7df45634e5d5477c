//! The way to SPDY: subprotocols are in headers of Kubernetes' own.

use http::{HeaderMap, Response, StatusCode, header};

use super::{Agreed, Answer, Wire, refuse, words};
use crate::{
    session::protocol::{self, Command, NoCommonProtocol, PORT_FORWARD},
    token,
};

/// As it is written in `Upgrade`.
pub(crate) const SPDY: &str = "SPDY/3.1";
pub(crate) const PROTOCOL_VERSION: &str = "x-stream-protocol-version";
const ACCEPTED_VERSIONS: &str = "x-accepted-stream-protocol-versions";

pub(super) fn answer(headers: &HeaderMap, wanted: &token::Request) -> Agreed {
    let (named, protocol) =
        choose(wanted, words(headers, PROTOCOL_VERSION)).map_err(|NoCommonProtocol| no_protocol(wanted))?;
    let mut response = Response::builder().header(header::UPGRADE, SPDY);
    if let Some(name) = named {
        response = response.header(PROTOCOL_VERSION, name);
    }
    Ok((response, Wire::Spdy(protocol)))
}

/// `offered`: the best first.
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
