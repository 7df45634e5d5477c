use proptest::prelude::*;

use super::*;

const CLIENT: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 7), 4000);
const NODE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 53);
const POD: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 2), 5353);

fn flow(original: [(Ipv4Addr, u16); 2], reply: [(Ipv4Addr, u16); 2]) -> Flow {
    let tuple = |[source, destination]: [_; 2]| Tuple { source, destination, protocol: 17 };
    let identity = DefaultNla::new(TUPLE_ORIGINAL, Vec::new());
    Flow { original: tuple(original), reply: tuple(reply), identity }
}

#[test]
fn only_flows_that_go_wrong_are_stale() {
    let pods = "10.0.0.0/24".parse().unwrap();
    let key = Key { protocol: Protocol::Udp, port: 53, host: None };
    let target = |(address, port)| Some(Target { address, port });
    let cases = [
        ("began before the port", flow([CLIENT, NODE], [NODE, CLIENT]), target(POD), true),
        ("led to the pod", flow([CLIENT, NODE], [POD, CLIENT]), target(POD), false),
        ("led to a pod that is gone", flow([CLIENT, NODE], [POD, CLIENT]), None, true),
        ("led to the pod before", flow([CLIENT, NODE], [POD, CLIENT]), target((POD.0, 1)), true),
        ("from a pod to the world", flow([POD, (CLIENT.0, 53)], [(CLIENT.0, 53), NODE]), target(POD), false),
        ("another port", flow([CLIENT, (NODE.0, 54)], [(NODE.0, 54), CLIENT]), None, false),
    ];
    for (name, flow, target, stale) in cases {
        assert_eq!(flow.is_stale(&key, target, pods), stale, "{name}");
    }
    let elsewhere = Key { host: Some(Ipv4Addr::LOCALHOST), ..key };
    assert!(!flow([CLIENT, NODE], [NODE, CLIENT]).is_stale(&elsewhere, None, pods));
}

proptest! {
    #[test]
    fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Flow::read(&bytes);
        let _ = Tuple::read(&bytes);
    }
}
