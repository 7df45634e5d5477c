//! Unit tests of what is open.
use super::device_numbers;

#[test]
fn numbers_are_unpacked() {
    assert_eq!(device_numbers(0x0103), (1, 3));
    assert_eq!(device_numbers(0x0010_e502), (229, 258));
    assert_eq!(device_numbers(0xffff_ffff_ffff_ffff), (u32::MAX, u32::MAX));
}
