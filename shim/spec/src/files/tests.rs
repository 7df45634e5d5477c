//! The three files of a pod.
use super::*;

fn dns(servers: &[&str], searches: &[&str], options: &[&str]) -> cri::DnsConfig {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
    cri::DnsConfig { servers: list(servers), searches: list(searches), options: list(options) }
}

const HOST: &[u8] =
    b"# made by hand\nnameserver 192.0.2.1\nnameserver 192.0.2.2\nsearch corp.example\noptions rotate\n";

fn text(dns: &cri::DnsConfig) -> String {
    String::from_utf8(resolv_conf(Some(dns), HOST).unwrap()).unwrap()
}

#[test]
fn resolv_conf_is_the_pods_or_the_hosts() {
    assert_eq!(
        text(&dns(
            &["10.10.10.10", "2001:db8::1", "fe80::1%eth0"],
            &["a.example", "b.example"],
            &["ndots:5", "edns0"]
        )),
        "search a.example b.example\nnameserver 10.10.10.10\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\n\
         options ndots:5 edns0\n"
    );
    // A pod's server with the host's search list: what dnsPolicy None means is kubelet's to say, in `searches`.
    assert_eq!(text(&dns(&["10.0.0.1"], &["x"], &[])), "search x\nnameserver 10.0.0.1\n");
    assert_eq!(
        text(&dns(&[], &["x"], &[])),
        "search x\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions rotate\n"
    );
    assert_eq!(resolv_conf(None, HOST).unwrap(), HOST);
    assert_eq!(resolv_conf(Some(&dns(&[], &[], &[])), HOST).unwrap(), HOST);
}

/// SEC-53.
#[test]
fn no_field_can_end_its_line() {
    for evil in ["a\nnameserver 6.6.6.6", "a\r", "a b", "a\tb", "a\0", "a;b", "a#b", "", "a\u{2028}b", "é"] {
        assert!(resolv_conf(Some(&dns(&[evil], &[], &[])), HOST).is_err(), "server {evil:?}");
        assert!(resolv_conf(Some(&dns(&[], &[evil], &[])), HOST).is_err(), "search {evil:?}");
        assert!(resolv_conf(Some(&dns(&[], &[], &[evil])), HOST).is_err(), "option {evil:?}");
        assert!(hostname(evil).is_err(), "hostname {evil:?}");
        assert!(hosts(evil, &[]).is_err(), "hosts {evil:?}");
    }
    for server in ["dns.example", "10.0.0", "10.0.0.1:53", "[::1]", "::1%", "::1%a b", "%eth0"] {
        assert!(resolv_conf(Some(&dns(&[server], &[], &[])), HOST).is_err(), "{server}");
    }
}

#[test]
fn hostnames_fit_the_kernel() {
    assert!(hostname(&"x".repeat(64)).is_ok());
    assert!(hostname(&"x".repeat(65)).is_err());
    assert!(hostname("localhost").is_ok());
}

#[test]
fn hosts_names_the_pod_and_its_short_form() {
    let text =
        hosts("web-0.web.ns.svc", &["10.0.0.5".parse().unwrap(), "2001:db8::5".parse().unwrap()]).unwrap();
    assert!(text.starts_with("127.0.0.1\tlocalhost\n"));
    assert!(
        text.ends_with("10.0.0.5\tweb-0.web.ns.svc web-0\n2001:db8::5\tweb-0.web.ns.svc web-0\n"),
        "{text}"
    );
    assert!(hosts("web", &["10.0.0.5".parse().unwrap()]).unwrap().ends_with("10.0.0.5\tweb\n"));
}
