use super::*;
use crate::port::Protocol;

#[test]
fn only_what_there_is_is_told() {
    assert!(RuntimeConfig::default().by_capability().is_empty());
    let port = |host_port| PortMapping {
        host_ip: Some("::1".parse().unwrap()),
        host_port,
        container_port: 80,
        protocol: Protocol::Sctp,
    };
    let config = RuntimeConfig {
        ports: vec![port(0), port(8080)],
        bandwidth: Some(Bandwidth { ingress_rate: 1, ..Bandwidth::default() }),
        ip_ranges: vec![vec!["10.0.0.0/24".parse().unwrap()]],
        dns: Some(DnsConfig { servers: vec!["10.0.0.1".parse().unwrap()], ..DnsConfig::default() }),
        ..RuntimeConfig::default()
    };
    let told = config.by_capability();
    let told: Vec<_> = told.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(
        told,
        [
            r#"bandwidth {"ingressRate":1,"ingressBurst":0,"egressRate":0,"egressBurst":0}"#,
            r#"dns {"servers":["10.0.0.1"],"searches":[],"options":[]}"#,
            r#"ipRanges [[{"subnet":"10.0.0.0/24"}]]"#,
            r#"portMappings [{"hostPort":8080,"containerPort":80,"protocol":"sctp","hostIP":"::1"}]"#,
        ]
    );
}
