use super::*;

fn mapping(host_ip: Option<IpAddr>, host_port: u16, protocol: Protocol) -> PortMapping {
    PortMapping { host_ip, host_port, container_port: 80, protocol }
}

#[test]
fn a_port_that_is_served_is_refused_with_its_number_and_a_way_out() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    for host_ip in [None, Some(IpAddr::V4(Ipv4Addr::LOCALHOST))] {
        let error = refuse_if_served(&mapping(host_ip, port, Protocol::Tcp)).unwrap_err();
        assert_eq!(error.kind(), Kind::Exists);
        let text = error.chain();
        assert!(text.contains(&port.to_string()) && text.contains("ss -tulpn"), "{text}");
    }
}

#[test]
fn the_same_port_elsewhere_is_free() {
    // An address of its own, so that no test beside this one has the port.
    let [own, other] = [2, 3].map(|last| Ipv4Addr::new(127, 94, 1, last));
    let server = UdpSocket::bind((own, 0)).unwrap();
    let port = server.local_addr().unwrap().port();
    assert!(refuse_if_served(&mapping(Some(own.into()), port, Protocol::Udp)).is_err());
    refuse_if_served(&mapping(Some(other.into()), port, Protocol::Udp)).unwrap();
    refuse_if_served(&mapping(Some(own.into()), port, Protocol::Tcp)).unwrap();
    refuse_if_served(&mapping(Some(own.into()), port, Protocol::Sctp)).unwrap();
    drop(server);
    refuse_if_served(&mapping(Some(own.into()), port, Protocol::Udp)).unwrap();
}

#[test]
fn an_address_of_another_node_is_not_our_business() {
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    refuse_if_served(&mapping(Some(elsewhere), 80, Protocol::Tcp)).unwrap();
}

#[test]
fn a_connection_of_this_node_that_has_the_number_serves_nothing() {
    let server = TcpListener::bind((Ipv4Addr::new(127, 94, 1, 4), 0)).unwrap();
    let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let own = client.local_addr().unwrap();
    let mapping = mapping(Some(own.ip()), own.port(), Protocol::Tcp);
    assert!(!is_served(&mapping));
    refuse_if_served(&mapping).unwrap();
}
