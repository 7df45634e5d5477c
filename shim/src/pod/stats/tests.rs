use super::*;

#[test]
fn counters_of_an_interface_are_read_and_headers_are_not() {
    let line = "  eth0:    1306      17    1    0    0     0          0         0     2604      21    2    0    0     0       0          0";
    let usage = interface(line).unwrap();
    assert_eq!(usage.name, "eth0");
    let of = |value: Option<cri::UInt64Value>| value.unwrap().value;
    assert_eq!((of(usage.rx_bytes), of(usage.rx_errors)), (1306, 1));
    assert_eq!((of(usage.tx_bytes), of(usage.tx_errors)), (2604, 2));
    assert!(
        interface("Inter-|   Receive                                                |  Transmit").is_none()
    );
}
