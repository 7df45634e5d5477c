use super::*;

/// `RTM_GETLINK` for the interface with that index.
fn get_link(index: u32) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(32_u32.to_ne_bytes());
    message.extend(18_u16.to_ne_bytes());
    message.extend(1_u16.to_ne_bytes());
    message.extend(7_u32.to_ne_bytes());
    message.extend(0_u32.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(index.to_ne_bytes());
    message.extend([0; 8]);
    message
}

#[test]
fn the_kernel_answers() {
    let socket = open(Family::Route).unwrap();
    send(socket.as_fd(), &get_link(1)).unwrap();
    let mut buffer = vec![0; 32 << 10];
    let length = receive(socket.as_fd(), &mut buffer).unwrap();
    assert!(length > 32);
    assert_eq!(u16::from_ne_bytes([buffer[4], buffer[5]]), 16, "RTM_NEWLINK");
    assert_eq!(&buffer[8..12], 7_u32.to_ne_bytes());
}

#[test]
fn a_datagram_that_does_not_fit_is_an_error() {
    let socket = open(Family::Route).unwrap();
    send(socket.as_fd(), &get_link(1)).unwrap();
    assert_eq!(receive(socket.as_fd(), &mut [0; 64]).unwrap_err().errno, Errno::EMSGSIZE);
}

#[test]
fn other_processes_are_not_heard() {
    let socket = open(Family::Route).unwrap();
    let other = open(Family::Route).unwrap();
    net::bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
    let address = SocketAddrNetlink::try_from(net::getsockname(&socket).unwrap()).unwrap();
    net::sendto(&other, &get_link(1), SendFlags::empty(), &address).unwrap();
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_millis(20))).unwrap();
    assert_eq!(receive(socket.as_fd(), &mut [0; 4096]).unwrap_err().errno, Errno::ETIMEDOUT);
}

#[test]
fn only_netlink_sockets_can_be_prepared() {
    let (one, _other) = crate::seqpacket::pair().unwrap();
    assert!(prepare(one.as_fd()).is_err());
}
