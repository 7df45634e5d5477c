//! Addresses and their nearness.

use super::*;

#[test]
fn addresses_are_as_near_as_they_are() {
    let cases = [
        ("8.8.8.8", Nearness::Public),
        ("2606:4700::1", Nearness::Public),
        ("172.15.0.1", Nearness::Public),
        ("172.32.0.1", Nearness::Public),
        ("10.1.2.3", Nearness::Private),
        ("172.16.0.1", Nearness::Private),
        ("172.31.255.255", Nearness::Private),
        ("192.168.0.1", Nearness::Private),
        ("100.64.0.1", Nearness::Private),
        ("fd00::1", Nearness::Private),
        ("::ffff:10.0.0.1", Nearness::Private),
        ("64:ff9b::10.0.0.1", Nearness::Private),
        ("2002:a00:1::", Nearness::Private),
        ("127.0.0.1", Nearness::Loopback),
        ("127.255.0.1", Nearness::Loopback),
        ("::1", Nearness::Loopback),
        ("::ffff:127.0.0.1", Nearness::Loopback),
        ("169.254.169.254", Nearness::LinkLocal),
        ("fe80::1", Nearness::LinkLocal),
        ("::ffff:169.254.169.254", Nearness::LinkLocal),
        ("0.0.0.0", Nearness::Nobody),
        ("0.1.2.3", Nearness::Nobody),
        ("::", Nearness::Nobody),
        ("224.0.0.1", Nearness::Nobody),
        ("255.255.255.255", Nearness::Nobody),
        ("ff02::1", Nearness::Nobody),
    ];
    for (text, nearness) in cases {
        assert_eq!(Nearness::of(text.parse().unwrap()), nearness, "{text}");
    }
}

#[test]
fn a_registry_sends_us_no_nearer_than_itself() {
    let admits = |registry: Nearness, to: &str| registry.admits(to.parse().unwrap());
    assert!(admits(Nearness::Public, "1.1.1.1"));
    assert!(!admits(Nearness::Public, "10.0.0.1"));
    assert!(!admits(Nearness::Public, "127.0.0.1"));
    assert!(admits(Nearness::Private, "10.0.0.1"));
    assert!(admits(Nearness::Private, "1.1.1.1"));
    assert!(!admits(Nearness::Private, "::1"));
    assert!(admits(Nearness::Loopback, "127.0.0.2"));
    for registry in [Nearness::Public, Nearness::Private, Nearness::Loopback] {
        assert!(!admits(registry, "169.254.169.254"));
        assert!(!admits(registry, "0.0.0.0"));
    }
}
