//! Names as archives spell them.

use super::{Meaning, base, clean, meaning, parent};

#[test]
fn img_01_names_stay_inside_the_root() {
    let cases: &[(&[u8], &[u8])] = &[
        (b"a/b", b"a/b"),
        (b"../x", b"x"),
        (b"a/../../x", b"x"),
        (b"/abs", b"abs"),
        (b"//abs//b/", b"abs/b"),
        (b"./././x", b"x"),
        (b"a/..", b""),
        (b"a/b/..", b"a"),
        (b"..", b""),
        (b"/", b""),
        (b"", b""),
        (b"...", b"..."),
        (b"..a/.b", b"..a/.b"),
        (b"\xff\n/\xe2\x80\xae", b"\xff\n/\xe2\x80\xae"),
    ];
    for (name, expected) in cases {
        assert_eq!(clean(name).unwrap(), *expected, "{}", name.escape_ascii());
    }
}

#[test]
fn img_12_a_component_has_at_most_255_bytes() {
    assert!(clean(&[b'n'; 255]).is_ok());
    assert!(clean(&[b'n'; 256]).is_err());
    assert_eq!(clean(&b"d/".repeat(500_000)).unwrap().len(), 999_999);
}

#[test]
fn parent_and_base() {
    assert_eq!((parent(b"a/b/c"), base(b"a/b/c")), (&b"a/b"[..], &b"c"[..]));
    assert_eq!((parent(b"c"), base(b"c")), (&b""[..], &b"c"[..]));
}

#[test]
fn img_05_whiteouts_are_read() {
    let cases: &[(&[u8], Option<Meaning<'_>>)] = &[
        (b"a/.wh.b", Some(Meaning::Whiteout(b"b"))),
        (b".wh.b", Some(Meaning::Whiteout(b"b"))),
        (b".wh.b.", Some(Meaning::Whiteout(b"b."))),
        (b".wh....", Some(Meaning::Whiteout(b"..."))),
        (b"a/.wh..wh..opq", Some(Meaning::Opaque)),
        (b".wh..wh.plnk", Some(Meaning::Ignored)),
        (b".wh..wh.plnk/12.34", Some(Meaning::Ignored)),
        (b"a/.wh", Some(Meaning::Plain)),
        (b"a.wh.b", Some(Meaning::Plain)),
        (b".wh.", None),
        (b"a/.wh..", None),
        (b"a/.wh...", None),
    ];
    for (path, expected) in cases {
        assert_eq!(meaning(path).ok(), *expected, "{}", path.escape_ascii());
    }
}
