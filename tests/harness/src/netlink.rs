//! Just enough netlink to look at, plant and take away links and nftables objects, independent of the product's own.

use std::{
    fs::File,
    io::{Read, Write},
};

use crate::{Doing, Failure, Result};

const AF_NETLINK: i32 = 16;
const SOCK_RAW: i32 = 3;
const NETLINK_ROUTE: i32 = 0;
const NETLINK_NETFILTER: i32 = 12;

const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
#[cfg(test)]
const NLA_F_NESTED: u16 = 0x8000;

/// Message types of nf_tables.
pub(crate) mod nft {
    pub(crate) const NEW_TABLE: u16 = 10 << 8;
    pub(crate) const GET_TABLE: u16 = NEW_TABLE | 1;
    pub(crate) const DEL_TABLE: u16 = NEW_TABLE | 2;
    pub(crate) const GET_CHAIN: u16 = NEW_TABLE | 4;
    pub(crate) const GET_RULE: u16 = NEW_TABLE | 7;
    pub(crate) const GET_SET: u16 = NEW_TABLE | 10;
    pub(crate) const GET_ELEMENT: u16 = NEW_TABLE | 13;
    // Planted by the oracle's own tests.
    #[cfg(test)]
    pub(crate) const NEW_CHAIN: u16 = NEW_TABLE | 3;
    #[cfg(test)]
    pub(crate) const NEW_RULE: u16 = NEW_TABLE | 6;
    #[cfg(test)]
    pub(crate) const NEW_SET: u16 = NEW_TABLE | 9;
    #[cfg(test)]
    pub(crate) const NEW_ELEMENT: u16 = NEW_TABLE | 12;
    pub(crate) const BATCH_BEGIN: u16 = 16;
    pub(crate) const BATCH_END: u16 = 17;
}

const RTM_DELLINK: u16 = 17;
const IFLA_IFNAME: u16 = 3;
/// A datagram of a dump never exceeds what the kernel allocates for one.
const BUFFER: usize = 256 * 1024;

/// Attributes under construction.
#[derive(Debug, Default)]
pub(crate) struct Attributes(Vec<u8>);

impl Attributes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(crate) fn text(self, kind: u16, value: &str) -> Self {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }

    #[cfg(test)]
    pub(crate) fn number(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    #[cfg(test)]
    pub(crate) fn nested(self, kind: u16, inner: &Attributes) -> Self {
        self.bytes(kind | NLA_F_NESTED, &inner.0)
    }
}

/// Attributes as received: (kind without flags, value).
pub(crate) fn parse(mut bytes: &[u8]) -> Vec<(u16, &[u8])> {
    let mut found = Vec::new();
    while let Some((length, kind)) = u16_at(bytes, 0).zip(u16_at(bytes, 2)) {
        let Some(value) = bytes.get(4..usize::from(length)) else { break };
        found.push((kind & 0x3fff, value));
        bytes = bytes.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// The first attribute of a kind.
pub(crate) fn first<'a>(attributes: &[(u16, &'a [u8])], kind: u16) -> Option<&'a [u8]> {
    attributes.iter().find(|(own, _)| *own == kind).map(|(_, value)| *value)
}

/// A NUL-terminated name.
pub(crate) fn name(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

/// What an nf_tables dump gives: each object's family and attributes (without the header).
pub(crate) fn nft_dump(kind: u16, family: u8, filter: &Attributes) -> Result<Vec<(u8, Vec<u8>)>> {
    let body = [&nfgen(family, 0), filter.0.as_slice()].concat();
    let messages = exchange(NETLINK_NETFILTER, &[message(kind, NLM_F_DUMP, &body)])?;
    Ok(messages
        .into_iter()
        .filter(|body| body.len() >= 4)
        .map(|body| (body[0], body[4..].to_vec()))
        .collect())
}

/// Changes nf_tables objects in one transaction: (kind, flags, family, attributes).
pub(crate) fn nft_change(changes: &[(u16, u16, u8, Attributes)]) -> Result {
    // The batch belongs to subsystem 10, in the last field of its header.
    let edge = |kind| message(kind, 0, &nfgen(0, 10));
    let mut batch = vec![edge(nft::BATCH_BEGIN)];
    for (at, (kind, flags, family, attributes)) in changes.iter().enumerate() {
        let ack = if at + 1 == changes.len() { NLM_F_ACK } else { 0 };
        batch.push(message(*kind, flags | ack, &[&nfgen(*family, 0), attributes.0.as_slice()].concat()));
    }
    batch.push(edge(nft::BATCH_END));
    exchange(NETLINK_NETFILTER, &batch).map(drop)
}

/// Deletes a link by name.
pub(crate) fn delete_link(interface: &str) -> Result {
    let body = [vec![0; 16], Attributes::new().text(IFLA_IFNAME, interface).0].concat();
    exchange(NETLINK_ROUTE, &[message(RTM_DELLINK, NLM_F_ACK, &body)]).map(drop)
}

fn nfgen(family: u8, resource: u16) -> [u8; 4] {
    let [high, low] = resource.to_be_bytes();
    [family, 0, high, low]
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 16);
    bytes.extend_from_slice(&u32::try_from(body.len() + 16).unwrap_or(u32::MAX).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Sends and collects the bodies of all answers, up to the end of the dump or the acknowledgement.
fn exchange(protocol: i32, messages: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let mut socket = File::from(sys::socket::open(AF_NETLINK, SOCK_RAW, protocol)?);
    socket.write_all(&messages.concat()).doing(|| "send to netlink".to_owned())?;
    let (mut buffer, mut found) = (vec![0; BUFFER], Vec::new());
    loop {
        let count = socket.read(&mut buffer).doing(|| "read from netlink".to_owned())?;
        let mut rest = &buffer[..count];
        while let Some((length, kind)) = u32_at(rest, 0).zip(u16_at(rest, 4)) {
            let length = usize::try_from(length).unwrap_or(0).max(16);
            let body = rest.get(16..length).unwrap_or_default();
            match kind {
                NLMSG_DONE => return Ok(found),
                NLMSG_ERROR => match u32_at(body, 0).unwrap_or(0).cast_signed() {
                    0 => return Ok(found),
                    error => return Err(Failure::new(std::io::Error::from_raw_os_error(-error).to_string())),
                },
                _ => found.push(body.to_vec()),
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
