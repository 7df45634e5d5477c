//! Number fields and names as tar writers of five decades have left them.

use super::{BLOCK, Fields, number};

#[test]
fn numbers_as_writers_leave_them() {
    let cases: &[(&[u8], i64)] = &[
        (b"0000644\0", 0o644),
        (b"   644 \0", 0o644),
        (b"644    \0", 0o644),
        (b"00000000", 0),
        (b"\0\0\0\0\0\0\0\0", 0),
        (b"        ", 0),
        (b"\x000000644", 0o644),
        (b"77777777777\0", 0o77777777777),
        (b"777777777777", 0o777777777777),
        // GNU's binary numbers: 2^33, -1, -2, the largest and the smallest that fit.
        (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", 1 << 33),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", -1),
        (b"\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
        (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", i64::MAX),
        (b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0", i64::MIN),
        (b"\x80\0\0\x01", 1),
    ];
    for (field, expected) in cases {
        assert_eq!(number(field), Ok(*expected), "{}", field.escape_ascii());
    }
}

#[test]
fn what_is_no_number_is_refused() {
    let cases: &[&[u8]] = &[
        b"0000648\0",
        b"-000644\0",
        b"0x00644\0",
        b"64 4   \0",
        b"NaN\0\0\0\0\0",
        b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x01\0\0\0\0\0\0\0\0\0\0",
    ];
    for field in cases {
        assert!(number(field).is_err(), "{}", field.escape_ascii());
    }
}

fn sealed(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[test]
fn the_prefix_is_read_where_the_format_has_one() {
    let mut block = [0; BLOCK];
    block[..4].copy_from_slice(b"name");
    block[345..351].copy_from_slice(b"prefix");
    block[476..480].copy_from_slice(b"more");
    let name = |block| Fields::parse(&sealed(block)).unwrap().name();
    assert_eq!(name(block), b"name", "seventh edition");
    block[257..265].copy_from_slice(b"ustar\x0000");
    assert_eq!(name(block), b"prefix/name");
    block[351..476].fill(b'p');
    let ustar = name(block);
    assert!(ustar.ends_with(b"ppmore/name"));
    block[508..512].copy_from_slice(b"tar\0");
    assert!(name(block).ends_with(b"pp/name"), "star's prefix stops before its times");
}

#[test]
fn a_gnu_header_has_a_prefix_only_if_an_old_go_wrote_it() {
    let mut block = [0; BLOCK];
    block[..4].copy_from_slice(b"name");
    block[257..265].copy_from_slice(b"ustar  \0");
    block[345..357].copy_from_slice(b"12345670123\0");
    let name = |block| Fields::parse(&sealed(block)).unwrap().name();
    assert_eq!(name(block), b"name");
    block[345..357].copy_from_slice(b"some/folder\0");
    assert_eq!(name(block), b"some/folder/name");
}

#[test]
fn a_wrong_checksum_is_refused_and_a_signed_one_is_not() {
    let mut block = [0; BLOCK];
    block[..4].copy_from_slice(b"n\xe4me");
    let mut good = sealed(block);
    assert!(Fields::parse(&good).is_ok());
    let signed: i32 =
        good[..148].iter().chain(&good[156..]).map(|byte| i32::from(*byte as i8)).sum::<i32>() + 256;
    good[148..156].copy_from_slice(format!("{signed:06o}\0 ").as_bytes());
    assert!(Fields::parse(&good).is_ok());
    good[0] ^= 1;
    assert!(Fields::parse(&good).is_err());
}
