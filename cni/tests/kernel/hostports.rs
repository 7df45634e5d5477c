//! hostPorts: from everywhere they must work from, and to nothing they must not reach.

use std::net::{IpAddr, Ipv4Addr};

use crate::node::{GATEWAY, LONG, Netns, Node, SHORT, UPLINK, WORLD, address, id, tcp};
use cni::{Kind, PortMapping, Protocol};

#[test]
fn they_work_from_everywhere() {
    // Kubernetes nodes hand bridged packets to nftables as well (br_netfilter); others do not.
    for bridged in ["0", "1"] {
        let node = Node::new();
        let switch = "/proc/sys/net/bridge/bridge-nf-call-iptables";
        if node.host.run(|| std::fs::write(switch, bridged)).is_err() && bridged == "1" {
            return;
        }
        let (a, b) = (node.pod(2, &[tcp(8080, 80)]), node.pod(3, &[]));
        a.serve(Ipv4Addr::UNSPECIFIED, 80);
        let call = |from: &Netns, to, seen, what: &str| {
            assert_eq!(from.call(to, 8080, LONG).unwrap(), seen, "{what}, br_netfilter {bridged}");
        };
        call(&node.world, UPLINK, WORLD, "world, seen with its own address");
        call(&node.host, UPLINK, UPLINK, "node");
        call(&node.host, Ipv4Addr::LOCALHOST, GATEWAY, "node by loopback");
        call(&b, UPLINK, GATEWAY, "neighbour");
        call(&b, GATEWAY, GATEWAY, "neighbour by the bridge's address");
        call(&a, UPLINK, GATEWAY, "the pod itself");
        assert!(b.call(Ipv4Addr::LOCALHOST, 8080, SHORT).is_err(), "the neighbour's own loopback is its own");
        assert_eq!(b.call(address(2), 80, LONG).unwrap(), address(3), "neighbours talk without us");
    }
}

#[test]
fn udp_and_one_address_of_the_node() {
    let node = Node::new();
    let on = |host_ip: Ipv4Addr| PortMapping { host_ip: Some(IpAddr::V4(host_ip)), ..tcp(8080, 80) };
    let udp = PortMapping { protocol: Protocol::Udp, ..tcp(8080, 53) };
    let a = node.pod(2, &[on(UPLINK), udp]);
    let b = node.pod(3, &[on(Ipv4Addr::LOCALHOST)]);
    a.serve(Ipv4Addr::UNSPECIFIED, 80);
    b.serve(address(3), 80);
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
    assert_eq!(node.host.call(Ipv4Addr::LOCALHOST, 8080, LONG).unwrap(), GATEWAY);
    assert!(node.host.call(GATEWAY, 8080, SHORT).is_err(), "an address nobody asked for");

    let server = a.udp(Ipv4Addr::UNSPECIFIED, 53);
    let client = node.world.udp(WORLD, 0);
    client.send_to(b"ping", (UPLINK, 8080)).unwrap();
    let mut buffer = [0; 16];
    let (length, from) = server.recv_from(&mut buffer).unwrap();
    assert_eq!((&buffer[..length], from.ip()), (&b"ping"[..], IpAddr::V4(WORLD)));
    server.send_to(b"pong", from).unwrap();
    assert_eq!(client.recv_from(&mut buffer).unwrap(), (4, (UPLINK, 8080).into()));
}

/// A client that never stops sending from one port: it must reach whoever is behind the hostPort now.
#[test]
fn udp_flows_follow_the_port() {
    let node = Node::new();
    let udp = PortMapping { protocol: Protocol::Udp, ..tcp(8080, 53) };
    let client = node.world.udp(WORLD, 4000);
    client.connect((UPLINK, 8080)).unwrap();
    client.send(b"0").unwrap();
    let mut buffer = [0; 1];
    // The node has seen it, and said that nobody listens.
    assert_eq!(client.recv(&mut buffer).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    for last in [2, 3] {
        let pod = node.pod(last, &[udp]);
        let server = pod.udp(Ipv4Addr::UNSPECIFIED, 53);
        client.send(&[last]).unwrap();
        let (_, from) = server.recv_from(&mut buffer).unwrap();
        assert_eq!((buffer, from), ([last], (WORLD, 4000).into()));
        server.send_to(&buffer, from).unwrap();
        assert_eq!(client.recv(&mut buffer).unwrap(), 1);
        node.builtin.detach(&id(last), &[]).unwrap();
    }
}

#[test]
fn traffic_to_the_same_port_elsewhere_passes() {
    let node = Node::new();
    let (a, b) = (node.pod(2, &[tcp(8080, 80)]), node.pod(3, &[]));
    a.serve(Ipv4Addr::UNSPECIFIED, 80);
    node.world.serve(WORLD, 8080);
    // Masqueraded, and answered by the world: had it been led to pod `a`, the bridge's address would have been seen.
    assert_eq!(b.call(WORLD, 8080, LONG).unwrap(), UPLINK);
    assert_eq!(node.host.call(WORLD, 8080, LONG).unwrap(), UPLINK);
    b.serve(Ipv4Addr::UNSPECIFIED, 8080);
    assert_eq!(a.call(address(3), 8080, LONG).unwrap(), address(2));
}

#[test]
fn the_nodes_loopback_stays_its_own() {
    let node = Node::new();
    let pod = node.pod(2, &[]);
    node.host.serve(Ipv4Addr::LOCALHOST, 81);
    // A pod with CAP_NET_ADMIN sends packets for 127.0.0.1 out of eth0.
    pod.run(|| std::fs::write("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1").unwrap());
    pod.program("ip", &["addr", "del", "127.0.0.1/8", "dev", "lo"]);
    pod.program("ip", &["route", "add", "127.0.0.0/8", "via", "10.77.0.1"]);
    assert!(pod.call(Ipv4Addr::LOCALHOST, 81, SHORT).is_err());
    // The test is right: without the guard the pod would get through.
    node.nft(&["flush", "chain", "inet", "berth", "guard"]);
    assert_eq!(pod.call(Ipv4Addr::LOCALHOST, 81, LONG).unwrap(), address(2));
}

#[test]
fn a_taken_port_is_refused_and_its_owner_named() {
    let node = Node::new();
    let _a = node.pod(2, &[tcp(8080, 80)]);
    let other = Netns::new();
    let on = |host_ip: &str| PortMapping { host_ip: Some(host_ip.parse().unwrap()), ..tcp(8080, 81) };
    for taken in [tcp(8080, 80), on("192.0.2.1"), on("0.0.0.0"), on("::")] {
        let error =
            node.builtin.attach(&id(3), address(3), other.sandbox(), &[tcp(9090, 90), taken]).unwrap_err();
        assert_eq!(error.kind(), Kind::Exists);
        let text = error.to_string();
        assert!(text.contains(id(2).as_str()) && text.contains("8080"), "{text}");
    }
    assert!(!other.program("ip", &["link"]).contains("eth0"), "found before anything was made");
    let udp = PortMapping { protocol: Protocol::Udp, ..tcp(8080, 80) };
    node.builtin.attach(&id(3), address(3), other.sandbox(), &[udp, tcp(0, 80)]).unwrap();
}

#[test]
fn a_port_somebody_else_put_there_is_refused() {
    let node = Node::new();
    node.nft(&["add", "element", "inet", "berth", "hostports", "{ tcp . 8080 : 10.77.0.99 . 80 }"]);
    let pod = Netns::new();
    let error = node.builtin.attach(&id(3), address(3), pod.sandbox(), &[tcp(8080, 80)]).unwrap_err();
    assert!(error.to_string().contains("10.77.0.99:80"), "{error}");
    assert!(node.builtin.list_host_interfaces().unwrap().is_empty());
    // Somebody took one of ours: detach copes.
    let _pod = node.pod(4, &[tcp(8082, 80), tcp(8083, 80)]);
    node.nft(&["delete", "element", "inet", "berth", "hostports", "{ tcp . 8082 }"]);
    node.builtin.detach(&id(4), &[]).unwrap();
    let map = node.nft(&["list", "map", "inet", "berth", "hostports"]);
    assert!(!map.contains(" 8082 ") && !map.contains(" 8083 "), "{map}");
}

#[test]
fn impossible_ports_are_refused() {
    let node = Node::new();
    let pod = Netns::new();
    let v6 = PortMapping { host_ip: Some("2001:db8::1".parse().unwrap()), ..tcp(8080, 80) };
    for bad in [&[v6][..], &[tcp(8080, 0)], &[tcp(8080, 80), tcp(8080, 81)]] {
        let error = node.builtin.attach(&id(3), address(3), pod.sandbox(), bad).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{bad:?}");
    }
    node.builtin.attach(&id(3), address(3), pod.sandbox(), &[tcp(8080, 80), tcp(8080, 80)]).unwrap();
}

#[test]
fn many_ports_at_once() {
    let node = Node::new();
    let ports: Vec<_> = (20_000..22_000).map(|port| tcp(port, port)).collect();
    let pod = node.pod(2, &ports);
    pod.serve(Ipv4Addr::UNSPECIFIED, 21_999);
    assert_eq!(node.world.call(UPLINK, 21_999, LONG).unwrap(), WORLD);
    node.builtin.detach(&id(2), &[]).unwrap();
    assert!(node.builtin.prune(&[id(2)].into()).unwrap().ports.is_empty());
}

/// What the kernel holds is what we say it holds, in the words of nft(8).
#[test]
fn nft_sees_the_ruleset_as_printed() {
    let node = Node::new();
    let listed = node.nft(&["list", "ruleset"]);
    assert_eq!(listed, include_str!("../golden/ruleset.nft"), "{listed}");
    let _pod = node.pod(2, &[tcp(8080, 80)]);
    let map = node.nft(&["list", "map", "inet", "berth", "hostports"]);
    // Without /etc/protocols, which a minimal system lacks, nft has no name for the protocol.
    let element = |protocol| format!("{protocol} . 8080 comment \"{}\" : 10.77.0.2 . 80", id(2));
    assert!(map.contains(&element("tcp")) || map.contains(&element("6")), "{map}");
    // Nobody else's rules are touched.
    node.nft(&["add", "table", "inet", "other"]);
    node.builtin.remove_node_state().unwrap();
    assert_eq!(node.nft(&["list", "tables"]).trim(), "table inet other");
}
