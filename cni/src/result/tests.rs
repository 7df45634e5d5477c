use proptest::prelude::*;

use super::*;

const NEW: &str = r#"{
  "cniVersion": "1.0.0",
  "interfaces": [
    { "name": "kit0", "mac": "00:00:00:00:00:01" },
    { "name": "eth0", "mac": "00:00:00:00:00:02", "sandbox": "/proc/1/ns/net", "mtu": 1500 },
    { "name": "eth1", "sandbox": "/proc/1/ns/net" }
  ],
  "ips": [
    { "address": "10.0.0.9/24", "interface": 2 },
    { "address": "10.88.0.5/16", "gateway": "10.88.0.1", "interface": 1 },
    { "address": "2001:db8::5/64", "gateway": "2001:db8::1" }
  ],
  "routes": [{ "dst": "0.0.0.0/0" }],
  "dns": { "nameservers": ["10.0.0.10"], "search": ["cluster.local"] }
}"#;

#[test]
fn the_pods_addresses_are_found() {
    let result = AddResult::read(NEW.as_bytes(), "eth0").unwrap();
    let addresses: Vec<_> = result.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["10.88.0.5/16", "2001:db8::5/64"]);
    assert_eq!(result.gateways.len(), 2);
    assert_eq!(result.mac.as_deref(), Some("00:00:00:00:00:02"));
    assert_eq!(result.dns.nameservers, ["10.0.0.10"]);
    assert_eq!(result.text, NEW);
}

#[test]
fn older_forms_are_read() {
    let old = r#"{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.1.0.2/16","gateway":"10.1.0.1"}],"dns":{}}"#;
    let result = AddResult::read(old.as_bytes(), "eth0").unwrap();
    assert_eq!(result.addresses.len(), 1);
    let empty = AddResult::read(br#"{"cniVersion":"0.4.0","ips":null,"dns":null}"#, "eth0").unwrap();
    assert!(empty.addresses.is_empty());
}

#[test]
fn nonsense_is_refused() {
    let many = format!(
        r#"{{"cniVersion":"1.0.0","ips":[{}{{"address":"1.1.1.1/8"}}]}}"#,
        r#"{"address":"1.1.1.1/8"},"#.repeat(256)
    );
    for bad in [
        "",
        "{}",
        "null",
        "garbage",
        r#"{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.1/8"}}"#,
        r#"{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.1"}]}"#,
        r#"{"cniVersion":"1.0.0","ips":[{"address":"300.0.0.1/8"}]}"#,
        r#"{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.1/8","interface":0}]}"#,
        r#"{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.1/8","interface":-1}]}"#,
        r#"{"cniVersion":"1.0.0"} {}"#,
        &many,
    ] {
        assert!(AddResult::read(bad.as_bytes(), "eth0").is_err(), "{bad}");
    }
    assert!(AddResult::read(b"\xff", "eth0").is_err());
}

proptest! {
    #[test]
    fn changed_bytes_are_survived(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = NEW.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let _ = AddResult::read(&bytes, "eth0");
    }
}
