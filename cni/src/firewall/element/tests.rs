use netlink_packet_core::{Emitable, NLA_F_NESTED};
use proptest::prelude::*;

use super::*;

/// As the kernel sends it: `struct nfgenmsg`, then a list of elements.
fn message(elements: &[ListAttribute<SetElementAttribute>]) -> Vec<u8> {
    let length: usize = elements.iter().map(Emitable::buffer_len).sum();
    let mut bytes = vec![1, 0, 0, 0];
    bytes.extend((4 + length as u16).to_ne_bytes());
    bytes.extend((LIST_ELEMENTS | NLA_F_NESTED).to_ne_bytes());
    for element in elements {
        let mut one = vec![0; element.buffer_len()];
        element.emit(&mut one);
        bytes.extend(one);
    }
    bytes
}

fn claim(owner: Option<&str>) -> Claim {
    let owner = owner.map(|text| AttachmentId::parse(text).unwrap());
    Claim { owner, to: Target { address: Ipv4Addr::new(10, 0, 0, 2), port: 80 } }
}

#[test]
fn elements_are_read_as_written() {
    let everywhere = Key { protocol: Protocol::Tcp, port: 8080, host: None };
    let somewhere = Key { protocol: Protocol::Sctp, port: 1, host: Some(Ipv4Addr::new(192, 0, 2, 1)) };
    let mine = claim(Some(&"ab".repeat(32)));
    let bytes = message(&[encode(&everywhere, &mine), encode(&somewhere, &claim(None))]);
    assert_eq!(decode(&bytes).unwrap(), [(everywhere, mine), (somewhere, claim(None))]);
    assert_eq!((map_of(&everywhere), map_of(&somewhere)), ("hostports", "hostports_by_address"));
}

#[test]
fn a_comment_that_is_no_id_owns_nothing() {
    assert_eq!(decode_owner(b"\x00\x04hi!\x00"), None);
    assert_eq!(decode_owner(b"\x00\xffab"), None);
    assert_eq!(decode_owner(b""), None);
    assert_eq!(decode_owner(b"\x07\x01x\x00\x0d0123456789ab\0"), AttachmentId::parse("0123456789ab").ok());
}

proptest! {
    #[test]
    fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = decode_element(&bytes);
        let _ = decode_owner(&bytes);
    }

    /// A true message with one byte changed.
    #[test]
    fn changed_bytes_are_survived(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let key = Key { protocol: Protocol::Udp, port: 53, host: None };
        let mut bytes = message(&[encode(&key, &claim(Some("0123456789ab")))]);
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = decode(&bytes);
    }
}
