use super::*;

#[test]
fn an_interface_is_read() {
    let mut payload = vec![0; IFINFOMSG];
    payload[4..8].copy_from_slice(&7_u32.to_ne_bytes());
    // IFLA_IFNAME "br0", an attribute of the future, IFLA_MASTER 3, IFLA_LINKINFO { IFLA_INFO_KIND "veth" }
    payload.extend([8, 0, 3, 0, b'b', b'r', b'0', 0]);
    payload.extend([6, 0, 0xff, 0, 1, 2, 0, 0]);
    payload.extend([8, 0, 10, 0]);
    payload.extend(3_u32.to_ne_bytes());
    payload.extend([16, 0, 18, 0, 9, 0, 1, 0, b'v', b'e', b't', b'h', 0, 0, 0, 0]);
    let link = Link::read(&payload).unwrap();
    assert_eq!(link, Link { index: 7, name: "br0".to_owned(), kind: "veth".to_owned(), master: 3, group: 0 });
    assert!(Link::read(&payload[..15]).is_err());
    assert!(Link::read(&payload[..IFINFOMSG + 3]).is_err());
}
