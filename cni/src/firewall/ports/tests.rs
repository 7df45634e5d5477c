use super::*;
use crate::error::Kind;

const POD: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn id(text: &str) -> AttachmentId {
    AttachmentId::parse(&text.repeat(12)).unwrap()
}

fn mapping(host: Option<&str>, host_port: u16, container_port: u16) -> PortMapping {
    PortMapping {
        host_ip: host.map(|ip| ip.parse().unwrap()),
        host_port,
        container_port,
        protocol: Protocol::Tcp,
    }
}

fn ports(owner: &str, mappings: &[PortMapping]) -> Ports {
    let mut ports = Ports::default();
    let plan = ports.plan(&id(owner), POD, mappings).unwrap();
    ports.apply(plan);
    ports
}

#[test]
fn overlap_is_as_in_bind() {
    let cases = [
        (None, None, true),
        (None, Some("10.0.0.1"), true),
        (Some("10.0.0.1"), None, true),
        (Some("10.0.0.1"), Some("0.0.0.0"), true),
        (Some("10.0.0.1"), Some("10.0.0.1"), true),
        (Some("10.0.0.1"), Some("10.0.0.2"), false),
    ];
    for (first, second, clash) in cases {
        let ports = ports("a", &[mapping(first, 80, 8080)]);
        let planned = ports.plan(&id("b"), POD, &[mapping(second, 80, 8080)]);
        assert_eq!(planned.is_err(), clash, "{first:?} {second:?}");
        if let Err(error) = planned {
            assert_eq!(error.kind(), Kind::Exists);
            assert!(error.to_string().contains(id("a").as_str()), "{error}");
        }
        assert!(ports.plan(&id("b"), POD, &[mapping(second, 81, 8080)]).is_ok());
        assert!(ports.plan(&id("a"), POD, &[mapping(second, 80, 8080)]).is_ok(), "its own is no conflict");
    }
}

#[test]
fn a_retry_changes_only_what_differs() {
    let ports = ports("a", &[mapping(None, 80, 8080), mapping(None, 81, 8081), mapping(None, 82, 8082)]);
    let wanted =
        [mapping(None, 80, 8080), mapping(None, 81, 9999), mapping(None, 83, 8083), mapping(None, 0, 1)];
    let plan = ports.plan(&id("a"), POD, &wanted).unwrap();
    let key = |port| Key { protocol: Protocol::Tcp, port, host: None };
    assert_eq!(plan.remove, [key(81), key(82)]);
    assert_eq!(
        plan.add.iter().map(|(key, claim)| (key.port, claim.to.port)).collect::<Vec<_>>(),
        [(81, 9999), (83, 8083)]
    );
    // The address changed: everything leads elsewhere.
    let plan = ports.plan(&id("a"), Ipv4Addr::new(10, 0, 0, 3), &wanted[..1]).unwrap();
    assert_eq!((plan.remove.len(), plan.add.len()), (3, 1));
}

#[test]
fn strangers_are_those_nobody_knows() {
    let mut all = ports("a", &[mapping(None, 80, 8080)]);
    all.apply(all.plan(&id("b"), POD, &[mapping(None, 81, 8081)]).unwrap());
    let by_hand = Key { protocol: Protocol::Udp, port: 1, host: None };
    let claim = Claim { owner: None, to: Target { address: POD, port: 1 } };
    all.apply(Plan { remove: vec![], add: vec![(by_hand, claim)] });
    let strangers = all.strangers(&[id("a")].into());
    assert_eq!(strangers.iter().map(|(key, _)| key.port).collect::<Vec<_>>(), [81, 1]);
    assert_eq!(all.of(&id("b")).len(), 1);
}
