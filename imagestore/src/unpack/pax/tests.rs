//! Records as writers make them, and every way to spoil one.

use super::{check_global, parse};

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = key.len() + value.len() + 3;
    let mut length = body + 1;
    while length.to_string().len() + body != length {
        length += 1;
    }
    [format!("{length} {key}=").as_bytes(), value, b"\n"].concat()
}

#[test]
fn records_are_read() {
    let bytes = [
        record("path", b"long/name"),
        record("linkpath", b"to \xff\n"),
        record("size", b"8589934592"),
        record("uid", b"4294967294"),
        record("gid", b"0"),
        record("mtime", b"1700000000.25"),
        record("comment", b""),
        record("SCHILY.xattr.security.capability", b"\x01\n=\0\x02"),
    ]
    .concat();
    let pax = parse(&bytes).unwrap();
    assert_eq!(pax.path.as_deref(), Some(&b"long/name"[..]));
    assert_eq!(pax.link_path.as_deref(), Some(&b"to \xff\n"[..]));
    assert_eq!(pax.size, Some(1 << 33));
    assert_eq!((pax.uid, pax.gid), (Some(4294967294), Some(0)));
    assert_eq!(pax.mtime, Some((1700000000, 250_000_000)));
    assert_eq!(pax.xattrs, [(b"security.capability".to_vec(), b"\x01\n=\0\x02".to_vec())]);
}

#[test]
fn the_last_of_equal_keys_counts_and_an_empty_value_takes_back() {
    let pax = parse(&[record("path", b"a"), record("path", b"b"), record("size", b"1")].concat()).unwrap();
    assert_eq!((pax.path.as_deref(), pax.size), (Some(&b"b"[..]), Some(1)));
    let pax = parse(&[record("path", b"a"), record("path", b"")].concat()).unwrap();
    assert_eq!(pax.path, None);
    let xattr = |value: &[u8]| record("SCHILY.xattr.user.x", value);
    let pax = parse(&[xattr(b"1"), xattr(b"2")].concat()).unwrap();
    assert_eq!(pax.xattrs, [(b"user.x".to_vec(), b"2".to_vec())]);
}

#[test]
fn img_09_malformed_records_are_refused() {
    let cases: &[&[u8]] = &[
        b"path=x\n",
        b"9 path=x\n1",
        b"11 path=x\n",
        b"8 path=x\n",
        b"9 path=xy",
        b"+9 path=x\n",
        b" 9 path=x\n",
        b"09999999999999999999 path=x\n",
        b"0 path=x\n",
        b"1 path=x\n",
        b"2 path=x\n",
        b"9 pathxx\n",
        b"5 =x\n",
        b"9 pa\0h=x\n",
        b"9 path=x\n\0\0\0",
        b"4 \n",
    ];
    for case in cases {
        assert!(parse(case).is_err(), "{}", case.escape_ascii());
    }
    for (key, value) in [
        ("path", &b"a\0b"[..]),
        ("linkpath", b"\0"),
        ("size", b"-1"),
        ("size", b"+1"),
        ("size", b"1 "),
        ("size", b"0x10"),
        ("size", b"9223372036854775808"),
        ("size", b"99999999999999999999"),
        ("uid", b"-1"),
        ("uid", b"root"),
        ("mtime", b"NaN"),
        ("mtime", b"inf"),
        ("mtime", b"1e9"),
        ("mtime", b"-"),
        ("mtime", b"."),
        ("mtime", b".5"),
        ("mtime", b"1.-5"),
        ("mtime", b"--1"),
        ("SCHILY.xattr.", b"x"),
        ("GNU.sparse.major", b"7"),
        ("GNU.sparse.size", b"x"),
        ("GNU.sparse.map", b"0,1,2"),
        ("GNU.sparse.numbytes", b"1"),
    ] {
        let bytes = record(key, value);
        assert!(parse(&bytes).is_err(), "{}", bytes.escape_ascii());
    }
}

#[test]
fn img_09_times_of_any_length_are_read() {
    let time = |value: &[u8]| parse(&record("mtime", value)).unwrap().mtime;
    assert_eq!(time(b"292277026596000000000000000000"), Some((i64::MAX, 0)));
    assert_eq!(time(b"-1.5"), Some((-2, 500_000_000)));
    assert_eq!(time(b"-0.000000001"), Some((-1, 999_999_999)));
    assert_eq!(time(b"1."), Some((1, 0)));
    assert_eq!(time(b"1.1234567899999"), Some((1, 123_456_789)));
    assert_eq!(time(b"-99999999999999999999"), Some((-i64::MAX, 0)));
}

#[test]
fn img_08_xattrs_are_bounded() {
    let many =
        |n: usize| (0..n).flat_map(|i| record(&format!("SCHILY.xattr.user.{i}"), b"v")).collect::<Vec<u8>>();
    assert_eq!(parse(&many(128)).unwrap().xattrs.len(), 128);
    assert!(parse(&many(129)).is_err());
    assert!(parse(&record("SCHILY.xattr.user.x", &vec![0; 64 << 10])).is_ok());
    assert!(parse(&record("SCHILY.xattr.user.x", &vec![0; (64 << 10) + 1])).is_err());
    let two =
        [record("SCHILY.xattr.user.x", &[0; 40000]), record("SCHILY.xattr.user.y", &[0; 40000])].concat();
    assert!(parse(&two).is_err());
    assert!(parse(&record(&format!("SCHILY.xattr.user.{}", "n".repeat(251)), b"")).is_err());
}

#[test]
fn a_global_header_may_comment_and_no_more() {
    assert!(check_global(&[record("comment", b"9f86d081"), record("mtime", b"1")].concat()).is_ok());
    assert!(check_global(&record("path", b"")).is_ok());
    for key in ["path", "linkpath", "size", "uid", "gid", "SCHILY.xattr.user.x", "GNU.sparse.map"] {
        assert!(check_global(&record(key, b"1")).is_err(), "{key}");
    }
    assert!(check_global(b"nonsense").is_err());
}
