use super::*;

#[test]
fn lines_are_taken_apart() {
    let log = b"2026-11-22T01:02:03.123456789Z stdout F hello world\n2026-11-22T01:02:03.123456789+01:00 stderr P \n";
    let lines = parse_log(log).unwrap();
    assert_eq!(lines[0].text(), "hello world");
    assert_eq!((lines[0].stream, lines[0].partial), (Stream::Stdout, false));
    assert_eq!((lines[1].stream, lines[1].partial, lines[1].content.len()), (Stream::Stderr, true, 0));
    assert!(parse_log(b"").unwrap().is_empty());
}

#[test]
fn lines_kubelet_would_not_understand_are_refused() {
    for bad in [
        "no line's end",
        "2026-11-22T01:02:03Z stdout F short time\n",
        "2026-11-22T01:02:03.123456789Z stdin F hello\n",
        "2026-11-22T01:02:03.123456789Z stdout X hello\n",
        "2026-11-22T01:02:03.123456789Z stdout F\n",
        "\n",
    ] {
        assert!(parse_log(bad.as_bytes()).is_err(), "{bad:?}");
    }
}
