//! Elements of the hostPort maps: bytes to and from types.
//!
//! An element carries the id of its owner as its comment, so that what is in the kernel says whose it is: recovery needs no
//! other record, and `nft list` shows it to people.

use std::net::Ipv4Addr;

use netlink_packet_core::{NlaBuffer, NlasIterator};
use netlink_packet_netfilter::nftables::{DataAttribute, ListAttribute, SetElementAttribute};

use super::{
    ports::{Claim, Key, Target},
    ruleset::{PORTS, PORTS_BY_ADDRESS},
};
use crate::{ids::AttachmentId, port::Protocol};

const LIST_ELEMENTS: u16 = 3;
const LIST_ELEMENT: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_DATA: u16 = 2;
const ELEMENT_USER_DATA: u16 = 6;
const DATA_VALUE: u16 = 1;
/// Type of a comment in an element's user data, as nft(8) reads it (`NFTNL_UDATA_SET_ELEM_COMMENT`).
const COMMENT: u8 = 0;
/// `struct nfgenmsg`.
const NFGENMSG: usize = 4;

/// Name of the map a key belongs to.
pub(super) const fn map_of(key: &Key) -> &'static str {
    if key.host.is_some() { PORTS_BY_ADDRESS } else { PORTS }
}

/// An element to be added.
pub(super) fn encode(key: &Key, claim: &Claim) -> ListAttribute<SetElementAttribute> {
    let mut attributes = vec![
        SetElementAttribute::Key(DataAttribute::Value(key_bytes(key))),
        SetElementAttribute::Data(DataAttribute::Value(target_bytes(claim.to))),
    ];
    if let Some(owner) = &claim.owner {
        let text = owner.as_str().as_bytes();
        // The length counts the NUL; an id has at most 64 bytes.
        let mut comment = vec![COMMENT, text.len() as u8 + 1];
        comment.extend(text);
        comment.push(0);
        attributes.push(SetElementAttribute::UserData(comment));
    }
    ListAttribute::Element(attributes)
}

/// An element to be deleted: the key suffices.
pub(super) fn encode_key(key: &Key) -> ListAttribute<SetElementAttribute> {
    ListAttribute::Element(vec![SetElementAttribute::Key(DataAttribute::Value(key_bytes(key)))])
}

fn key_bytes(key: &Key) -> Vec<u8> {
    let mut bytes = key.host.map_or_else(Vec::new, |host| host.octets().to_vec());
    bytes.extend([key.protocol.number(), 0, 0, 0]);
    bytes.extend(key.port.to_be_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn target_bytes(target: Target) -> Vec<u8> {
    let mut bytes = target.address.octets().to_vec();
    bytes.extend(target.port.to_be_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// Reads the elements in one message of a dump. Elements nobody could have made through [`encode`] are passed over.
pub(super) fn decode(payload: &[u8]) -> Result<Vec<(Key, Claim)>, String> {
    let attributes =
        payload.get(NFGENMSG..).ok_or_else(|| format!("map elements in {} bytes", payload.len()))?;
    let mut found = Vec::new();
    for attribute in NlasIterator::new(attributes) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.kind() != LIST_ELEMENTS {
            continue;
        }
        for element in NlasIterator::new(attribute.value()) {
            let element = element.map_err(|error| error.to_string())?;
            if element.kind() == LIST_ELEMENT {
                found.extend(decode_element(element.value()));
            }
        }
    }
    Ok(found)
}

fn decode_element(bytes: &[u8]) -> Option<(Key, Claim)> {
    let (mut key, mut to, mut owner) = (None, None, None);
    for attribute in NlasIterator::new(bytes).flatten() {
        match attribute.kind() {
            ELEMENT_KEY => key = value_of(&attribute).and_then(decode_key),
            ELEMENT_DATA => to = value_of(&attribute).and_then(decode_target),
            ELEMENT_USER_DATA => owner = decode_owner(attribute.value()),
            _ => {}
        }
    }
    Some((key?, Claim { owner, to: to? }))
}

fn value_of<'b>(data: &NlaBuffer<&'b [u8]>) -> Option<&'b [u8]> {
    let inner = data.into_inner();
    let value = NlasIterator::new(inner.get(4..)?).flatten().find(|one| one.kind() == DATA_VALUE)?;
    let length = value.value_length();
    value.into_inner().get(4..4 + length)
}

fn decode_key(bytes: &[u8]) -> Option<Key> {
    let (host, rest) = match bytes.len() {
        8 => (None, bytes),
        12 => {
            let (address, rest) = bytes.split_first_chunk::<4>()?;
            (Some(Ipv4Addr::from_octets(*address)), rest)
        }
        _ => return None,
    };
    let &[protocol, _, _, _, high, low, _, _] = rest else { return None };
    Some(Key { protocol: Protocol::from_number(protocol)?, port: u16::from_be_bytes([high, low]), host })
}

fn decode_target(bytes: &[u8]) -> Option<Target> {
    let &[a, b, c, d, high, low, _, _] = bytes else { return None };
    Some(Target { address: Ipv4Addr::new(a, b, c, d), port: u16::from_be_bytes([high, low]) })
}

/// User data is a list of (type, length, value).
fn decode_owner(mut bytes: &[u8]) -> Option<AttachmentId> {
    while let [kind, length, rest @ ..] = bytes {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *kind == COMMENT {
            let text = std::str::from_utf8(value).ok()?;
            return AttachmentId::parse(text.trim_end_matches('\0')).ok();
        }
        bytes = after;
    }
    None
}

#[cfg(test)]
mod tests;
