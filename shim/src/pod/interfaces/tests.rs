use super::*;

#[test]
fn counters_of_an_interface_are_read_and_headers_are_not() {
    let line = "  eth0:    1306      17    1    3    0     0          0         0     2604      21    2    4    0     0       0          0";
    let found = interface(line).unwrap();
    assert_eq!(found.name, "eth0");
    assert_eq!(found.received, Traffic { bytes: 1306, packets: 17, errors: 1, dropped: 3 });
    assert_eq!(found.sent, Traffic { bytes: 2604, packets: 21, errors: 2, dropped: 4 });
    assert!(
        interface("Inter-|   Receive                                                |  Transmit").is_none()
    );
    assert!(interface("eth0: 1 2 3").is_none());
}
