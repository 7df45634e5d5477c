//! Which tables nftables has: the kernel is asked itself, so that no `nft` need be installed.

use std::os::fd::AsFd;

use sys::netlink::{self, Family};

use crate::failure::Result;

/// struct nlmsghdr (16 bytes) and struct nfgenmsg (4): linux/netlink.h, linux/netfilter/nfnetlink.h.
const HEADERS: usize = 20;
/// NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE.
const GET_TABLE: u16 = 10 << 8 | 1;
/// NLM_F_REQUEST | NLM_F_DUMP.
const DUMP: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const TABLE_NAME: u16 = 1;

/// The names of all tables of this network namespace, of every family.
pub(super) fn tables() -> Result<Vec<String>> {
    let socket = netlink::open(Family::Netfilter)?;
    let mut request = Vec::with_capacity(HEADERS);
    request.extend_from_slice(&(HEADERS as u32).to_ne_bytes());
    request.extend_from_slice(&GET_TABLE.to_ne_bytes());
    request.extend_from_slice(&DUMP.to_ne_bytes());
    // Sequence and port: nobody else talks on this socket. Then: any family, version 0, no resource.
    request.extend_from_slice(&[0; 12]);
    netlink::send(socket.as_fd(), &request)?;
    let mut names = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = netlink::receive(socket.as_fd(), &mut buffer)?;
        if read(buffer.get(..n).unwrap_or_default(), &mut names) {
            return Ok(names);
        }
    }
}

/// Collects the names in a datagram; true when it is the last. A kernel without nftables answers with an error: it has
/// no tables.
fn read(mut messages: &[u8], names: &mut Vec<String>) -> bool {
    while let Some((message, kind, rest)) = next(messages) {
        if matches!(kind, DONE | ERROR) {
            return true;
        }
        let mut attributes = message.get(HEADERS..).unwrap_or_default();
        while let Some((value, kind, rest)) = attribute(attributes) {
            if kind == TABLE_NAME {
                names.push(String::from_utf8_lossy(value.strip_suffix(b"\0").unwrap_or(value)).into_owned());
            }
            attributes = rest;
        }
        messages = rest;
    }
    false
}

/// (whole message, its type, what follows)
fn next(bytes: &[u8]) -> Option<(&[u8], u16, &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    cut(bytes, length, 16).map(|(message, rest)| (message, kind, rest))
}

/// (value, type, what follows)
fn attribute(bytes: &[u8]) -> Option<(&[u8], u16, &[u8])> {
    let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
    let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?);
    cut(bytes, length, 4)
        .map(|(attribute, rest)| (attribute.get(4..).unwrap_or_default(), kind & 0x3fff, rest))
}

/// The first `length` bytes, which are `least` at least, and what follows their padding to four.
fn cut(bytes: &[u8], length: usize, least: usize) -> Option<(&[u8], &[u8])> {
    let whole = bytes.get(..length).filter(|_| length >= least)?;
    Some((whole, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = ((16 + payload.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&[0; 10]);
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn table(name: &str) -> Vec<u8> {
        let mut payload = vec![2, 0, 0, 0];
        payload.extend_from_slice(&((4 + name.len() + 1) as u16).to_ne_bytes());
        payload.extend_from_slice(&TABLE_NAME.to_ne_bytes());
        payload.extend_from_slice(name.as_bytes());
        payload.resize(payload.len() + 1, 0);
        payload.resize(payload.len().next_multiple_of(4), 0);
        message(10 << 8, &payload)
    }

    #[test]
    fn names_are_found_up_to_the_end() {
        let mut names = Vec::new();
        assert!(!read(&[table("berth"), table("x")].concat(), &mut names));
        assert!(read(&message(DONE, &[0; 4]), &mut names));
        assert_eq!(names, ["berth", "x"]);
    }

    #[test]
    fn lengths_that_lie_end_the_search() {
        let mut names = Vec::new();
        let mut bytes = table("berth");
        bytes[0] = 0xff;
        assert!(!read(&bytes, &mut names));
        bytes[0] = 3;
        assert!(!read(&bytes, &mut names));
        assert!(names.is_empty());
    }

    #[test]
    fn the_kernel_answers() {
        tables().unwrap();
    }
}
