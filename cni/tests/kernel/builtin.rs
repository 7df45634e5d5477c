//! The built-in network in namespaces: pods, node and world talk, and nothing is left behind.

use std::{collections::BTreeSet, net::Ipv4Addr};

use crate::node::{GATEWAY, LONG, Netns, Node, SHORT, UPLINK, WORLD, address, config, id, tcp};
use cni::{Builtin, Kind, PortMapping, Protocol, host_interface};

#[test]
fn pods_node_and_world_talk() {
    let node = Node::new();
    let (a, b) = (node.pod(2, &[]), node.pod(3, &[]));
    b.serve(Ipv4Addr::UNSPECIFIED, 80);
    node.host.serve(Ipv4Addr::UNSPECIFIED, 81);
    node.world.serve(Ipv4Addr::UNSPECIFIED, 82);
    assert_eq!(a.call(address(3), 80, LONG).unwrap(), address(2), "pod to pod");
    assert_eq!(node.host.call(address(3), 80, LONG).unwrap(), GATEWAY, "node to pod");
    assert_eq!(a.call(GATEWAY, 81, LONG).unwrap(), address(2), "pod to gateway");
    assert_eq!(a.call(UPLINK, 81, LONG).unwrap(), address(2), "pod to another address of the node");
    assert_eq!(a.call(WORLD, 82, LONG).unwrap(), UPLINK, "pod to world, masqueraded");
    assert_eq!(
        a.call(Ipv4Addr::LOCALHOST, 80, LONG).unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
}

#[test]
fn attach_says_what_it_made() {
    let node = Node::with(&cni::BridgeConfig { mtu: Some(1400), ..config() });
    let pod = Netns::new();
    let made = node.builtin.attach(&id(9), address(9), pod.sandbox(), &[]).unwrap();
    assert_eq!(made.host_interface, host_interface(&id(9)));
    assert_eq!(made.interface, "eth0");
    assert_eq!(made.mac, [0x0a, 0xbe, 10, 77, 0, 9]);
    assert_eq!(made.addresses, ["10.77.0.9/24".parse::<cni::IpNet>().unwrap()]);
    assert_eq!(made.gateways, [std::net::IpAddr::V4(GATEWAY)]);
    let eth0 = pod.program("ip", &["addr", "show", "eth0"]);
    assert!(
        eth0.contains("0a:be:0a:4d:00:09") && eth0.contains("mtu 1400") && eth0.contains("10.77.0.9/24"),
        "{eth0}"
    );
    assert!(!eth0.contains("inet6"), "{eth0}");
    assert!(pod.program("ip", &["route"]).contains("default via 10.77.0.1 dev eth0"));
    assert!(pod.program("ip", &["addr", "show", "lo"]).contains("127.0.0.1/8"));
    let port = node.host.program("ip", &["-d", "link", "show", &made.host_interface]);
    assert!(
        port.contains("master berth0") && port.contains("hairpin on") && port.contains("mtu 1400"),
        "{port}"
    );
    assert!(node.host.program("ip", &["link", "show", "berth0"]).contains("0a:be:0a:4d:00:01"));
}

#[test]
fn the_kernel_is_told_to_route() {
    let node = Node::new();
    let sysctl = |name: &str| {
        let path = format!("/proc/sys/net/{name}");
        node.host.run(|| std::fs::read_to_string(&path).map(|value| value.trim().to_owned()).ok())
    };
    assert_eq!(sysctl("ipv4/ip_forward").as_deref(), Some("1"));
    for name in ["forwarding", "rp_filter", "route_localnet"] {
        assert_eq!(sysctl(&format!("ipv4/conf/berth0/{name}")).as_deref(), Some("1"), "{name}");
    }
    assert_ne!(sysctl("ipv6/conf/berth0/accept_ra").as_deref(), Some("1"));
    assert_eq!(sysctl("ipv4/conf/up0/route_localnet").as_deref(), Some("0"), "only the bridge");
}

#[test]
fn opening_again_changes_nothing() {
    let node = Node::new();
    let pod = node.pod(2, &[tcp(8080, 80)]);
    pod.serve(Ipv4Addr::UNSPECIFIED, 80);
    let again = node.host.run(|| Builtin::open(&config()).unwrap());
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
    assert_eq!(again.list_host_interfaces().unwrap(), [host_interface(&id(2))]);
    // What the daemon before knew is known.
    let other = Netns::new();
    let error = again.attach(&id(3), address(3), other.sandbox(), &[tcp(8080, 81)]).unwrap_err();
    assert_eq!(error.kind(), Kind::Exists);
}

#[test]
fn attaching_again_replaces() {
    let node = Node::new();
    let first = node.pod(2, &[tcp(8080, 80), tcp(8081, 81)]);
    // The daemon died before it wrote down that it was done; kubelet tries again, in a new namespace.
    let second = node.pod(2, &[tcp(8080, 82)]);
    second.serve(Ipv4Addr::UNSPECIFIED, 82);
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
    assert!(node.world.call(UPLINK, 8081, SHORT).is_err());
    assert!(!first.program("ip", &["link"]).contains("eth0"));
    // And once more in the same one.
    node.builtin.attach(&id(2), address(2), second.sandbox(), &[tcp(8080, 82)]).unwrap();
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
}

#[test]
fn detach_cuts_the_pod_off() {
    let node = Node::new();
    let (a, b) = (node.pod(2, &[tcp(8080, 80)]), node.pod(3, &[]));
    a.serve(Ipv4Addr::UNSPECIFIED, 80);
    assert!(b.call(address(2), 80, LONG).is_ok());
    node.builtin.detach(&id(2), &[]).unwrap();
    assert!(b.call(address(2), 80, SHORT).is_err(), "from a neighbour");
    assert!(node.host.call(address(2), 80, SHORT).is_err(), "from the node");
    assert!(node.world.call(UPLINK, 8080, SHORT).is_err(), "from the world");
    assert!(a.call(GATEWAY, 80, SHORT).is_err(), "from the pod");
    // Its address and its hostPort serve another while the old namespace still lives.
    let next = Netns::new();
    node.builtin.attach(&id(4), address(2), next.sandbox(), &[tcp(8080, 80)]).unwrap();
    next.serve(Ipv4Addr::UNSPECIFIED, 80);
    assert_eq!(b.call(address(2), 80, LONG).unwrap(), address(3));
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
    node.builtin.detach(&id(2), &[]).unwrap();
    assert_eq!(
        b.call(address(2), 80, LONG).unwrap(),
        address(3),
        "detaching the old one again does not harm the new one"
    );
    // The kernel takes the interface away with the namespace.
    drop((a, next));
    node.builtin.detach(&id(4), &[]).unwrap();
    // The servers' sockets keep the namespaces; interfaces are deleted by name here.
    node.builtin.prune(&[id(3)].into()).unwrap();
    assert_eq!(node.builtin.list_host_interfaces().unwrap(), [host_interface(&id(3))]);
}

#[test]
fn detach_is_idempotent() {
    let node = Node::new();
    node.builtin.detach(&id(2), &[]).unwrap();
    let pod = node.pod(2, &[tcp(8080, 80)]);
    node.builtin.detach(&id(2), &[tcp(8080, 80)]).unwrap();
    node.builtin.detach(&id(2), &[tcp(8080, 80)]).unwrap();
    drop(pod);
    let gone = || node.builtin.list_host_interfaces().unwrap().is_empty();
    wait_until(gone);
    node.builtin.detach(&id(2), &[]).unwrap();
    // Without a bridge there is no port to seal: the interface goes at once.
    let _pod = node.pod(3, &[]);
    node.host.program("ip", &["link", "del", "berth0"]);
    node.builtin.detach(&id(3), &[]).unwrap();
    assert!(gone());
}

#[test]
fn many_pods_at_once() {
    let node = Node::new();
    let pods: Vec<_> = (2..42).map(|last| (last, Netns::new())).collect();
    let port = |last: u8| tcp(8000 + u16::from(last), 80);
    let each = |work: &(dyn Fn(u8, &Netns) + Sync)| {
        std::thread::scope(|scope| {
            for some in pods.chunks(10) {
                let run = move || some.iter().for_each(|(last, pod)| work(*last, pod));
                std::thread::Builder::new().spawn_scoped(scope, run).unwrap();
            }
        });
    };
    each(&|last, pod| {
        drop(node.builtin.attach(&id(last), address(last), pod.sandbox(), &[port(last)]).unwrap())
    });
    pods[39].1.serve(Ipv4Addr::UNSPECIFIED, 80);
    assert_eq!(node.world.call(UPLINK, 8041, LONG).unwrap(), WORLD);
    assert_eq!(pods[0].1.call(address(41), 80, LONG).unwrap(), address(2));
    assert_eq!(node.builtin.list_host_interfaces().unwrap().len(), 40);
    each(&|last, _| node.builtin.detach(&id(last), &[port(last)]).unwrap());
    assert!(node.builtin.prune(&BTreeSet::new()).unwrap().ports.is_empty());
}

fn wait_until(done: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed() < LONG, "never became true");
        std::thread::yield_now();
    }
}

#[test]
fn a_failed_attach_leaves_nothing() {
    let node = Node::new();
    let pod = Netns::new();
    // The route socket of another namespace: eth0 is not there.
    let wrong = Netns::new();
    let sandbox = cni::Sandbox { route: wrong.sandbox().route, ..pod.sandbox() };
    assert!(node.builtin.attach(&id(2), address(2), sandbox, &[tcp(8080, 80)]).is_err());
    assert_eq!(node.builtin.list_host_interfaces().unwrap(), [] as [String; 0]);
    node.builtin.attach(&id(3), address(3), pod.sandbox(), &[tcp(8080, 80)]).unwrap();
    let gateway = node.builtin.attach(&id(4), GATEWAY, wrong.sandbox(), &[]).unwrap_err();
    assert_eq!(gateway.kind(), Kind::Invalid);
}

#[test]
fn a_neighbours_interfaces_are_left_alone() {
    let node = Node::new();
    let _own = node.pod(2, &[]);
    let theirs = cni::BridgeConfig {
        bridge: cni::IfName::parse("other0").unwrap(),
        subnet: "10.78.0.0/24".parse().unwrap(),
        nft_table: "other".to_owned(),
        ..config()
    };
    let neighbour = node.host.run(|| Builtin::open(&theirs).unwrap());
    assert_eq!(neighbour.list_host_interfaces().unwrap(), [] as [String; 0]);
    assert_eq!(neighbour.prune(&BTreeSet::new()).unwrap(), cni::Pruned::default());
    // Not even one without a bridge, which both could have lost.
    node.host.program("ip", &["link", "set", &host_interface(&id(2)), "nomaster"]);
    node.host.run(|| neighbour.repair().unwrap());
    neighbour.remove_node_state().unwrap();
    assert_eq!(node.builtin.list_host_interfaces().unwrap(), [host_interface(&id(2))]);
    node.host.run(|| node.builtin.repair().unwrap());
    let link = node.host.program("ip", &["link", "show", &host_interface(&id(2))]);
    assert!(link.contains("master berth0"), "{link}");
}

#[test]
fn a_crashed_daemons_leftovers_are_pruned() {
    let node = Node::new();
    let udp = PortMapping { protocol: Protocol::Udp, ..tcp(53, 53) };
    let (_a, _b) = (node.pod(2, &[tcp(8080, 80)]), node.pod(3, &[tcp(8081, 81), udp]));
    let restarted = node.host.run(|| Builtin::open(&config()).unwrap());
    let pruned = restarted.prune(&[id(2)].into()).unwrap();
    assert_eq!(pruned.interfaces, [host_interface(&id(3))]);
    let ports: BTreeSet<_> = pruned.ports.into_iter().collect();
    assert_eq!(ports, [(Some(id(3)), tcp(8081, 81)), (Some(id(3)), udp)].into());
    assert_eq!(restarted.list_host_interfaces().unwrap(), [host_interface(&id(2))]);
    assert_eq!(restarted.prune(&[id(2)].into()).unwrap(), cni::Pruned::default());
}

#[test]
fn another_daemons_pods_are_left_alone() {
    let node = Node::new();
    let pod = node.pod(2, &[tcp(8080, 80)]);
    pod.serve(Ipv4Addr::UNSPECIFIED, 80);
    let other = cni::BridgeConfig {
        bridge: cni::IfName::parse("berth1").unwrap(),
        subnet: "10.78.0.0/24".parse().unwrap(),
        nft_table: "berth1".to_owned(),
        ..config()
    };
    let other = node.host.run(|| Builtin::open(&other).unwrap());
    assert_eq!(other.list_host_interfaces().unwrap(), [] as [String; 0]);
    assert_eq!(other.prune(&BTreeSet::new()).unwrap(), cni::Pruned::default());
    node.host.run(|| other.repair().unwrap());
    other.remove_node_state().unwrap();
    assert_eq!(node.builtin.list_host_interfaces().unwrap(), [host_interface(&id(2))]);
    assert_eq!(node.host.call(address(2), 80, LONG).unwrap(), GATEWAY, "node to pod");
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD, "world to pod");
}

#[test]
fn what_others_break_is_repaired() {
    let node = Node::new();
    let pod = node.pod(2, &[tcp(8080, 80)]);
    pod.serve(Ipv4Addr::UNSPECIFIED, 80);
    node.host.program("ip", &["link", "del", "berth0"]);
    node.nft(&["flush", "ruleset"]);
    assert!(node.world.call(UPLINK, 8080, SHORT).is_err());
    // The next pod meets it, and repairs the others' network on the way.
    let _next = node.pod(3, &[]);
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
    node.nft(&["delete", "table", "inet", "berth"]);
    node.builtin.detach(&id(3), &[]).unwrap();
    node.host.run(|| node.builtin.repair().unwrap());
    assert_eq!(node.world.call(UPLINK, 8080, LONG).unwrap(), WORLD);
}

#[test]
fn the_node_is_left_as_it_was() {
    let node = Node::new();
    let _pod = node.pod(2, &[tcp(8080, 80)]);
    node.builtin.remove_node_state().unwrap();
    let links = node.host.program("ip", &["-o", "link"]);
    assert!(!links.contains("berth0") && !links.contains("bv0202"), "{links}");
    assert_eq!(node.nft(&["list", "ruleset"]), "");
    node.builtin.remove_node_state().unwrap();
}

#[test]
fn a_strangers_interface_is_not_taken() {
    let host = Netns::new();
    host.program("ip", &["link", "add", "berth0", "type", "veth", "peer", "name", "other0"]);
    let error = host.run(|| Builtin::open(&config()).unwrap_err());
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.to_string().contains("berth0"), "{error}");
}
