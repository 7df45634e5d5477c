use std::{fs, path::PathBuf};

use super::{
    LineBuffer, Log, Records,
    record::{MAX_RECORD, MAX_TEXT, content_bytes, timestamp},
};
use crate::event::Stream;

/// 2026-11-22T10:00:00.123456789Z
const NOON: i64 = 1_795_341_600_123_456_789;
const HEAD: &str = "2026-11-22T10:00:00.123456789Z stdout ";

fn records(chunks: &[&[u8]], finish: bool) -> String {
    let mut line = LineBuffer::default();
    let mut buffer = vec![0; 1 << 20];
    let mut records = Records::new(&mut buffer, NOON);
    for chunk in chunks {
        assert!(records.take(&mut line, Stream::Stdout, chunk).is_empty());
    }
    if finish {
        records.finish(&mut line, Stream::Stdout);
    }
    String::from_utf8(records.bytes().to_vec()).unwrap()
}

#[test]
fn a_line_is_one_record_however_it_arrives() {
    let whole = format!("{HEAD}F one two\n{HEAD}F \n");
    assert_eq!(records(&[b"one two\n\n"], false), whole);
    assert_eq!(records(&[b"one", b" ", b"two", b"\n", b"\n"], true), whole);
    assert_eq!(records(&[b"no newline"], false), "");
    assert_eq!(records(&[b"no newline"], true), format!("{HEAD}P no newline\n"));
}

#[test]
fn long_lines_are_cut_at_16_kib() {
    let long = vec![b'x'; MAX_TEXT];
    let text = String::from_utf8(long.clone()).unwrap();
    assert_eq!(records(&[&long, b"\n"], false), format!("{HEAD}P {text}\n{HEAD}F \n"));
    let one_less = &long[1..];
    assert_eq!(records(&[one_less, b"\n"], false), format!("{HEAD}F {}\n", &text[1..]));
    let three = vec![b'x'; 3 * MAX_TEXT + 1];
    assert_eq!(records(&[&three], true).lines().count(), 4);
}

#[test]
fn bytes_are_kept_and_counted() {
    let mut line = LineBuffer::default();
    let mut buffer = vec![0; 1 << 20];
    let mut records = Records::new(&mut buffer, NOON);
    records.take(&mut line, Stream::Stderr, b"\0\xff\xfe\r\nrest");
    records.finish(&mut line, Stream::Stderr);
    let expected = b"2026-11-22T10:00:00.123456789Z stderr F \0\xff\xfe\r\n2026-11-22T10:00:00.123456789Z stderr P rest\n";
    assert_eq!(records.bytes(), expected);
    assert_eq!(content_bytes(records.bytes()), 9);
}

#[test]
fn a_full_batch_leaves_the_rest_for_the_next() {
    let mut line = LineBuffer::default();
    let mut buffer = vec![0; MAX_RECORD + 42];
    let mut records = Records::new(&mut buffer, NOON);
    let rest = records.take(&mut line, Stream::Stdout, b"a\nb\nc\n");
    assert_eq!(rest, b"c\n");
    assert_eq!(content_bytes(records.bytes()), 4);
    records.clear();
    assert_eq!(records.take(&mut line, Stream::Stdout, rest), b"");
    assert_eq!(content_bytes(records.bytes()), 2);
}

#[test]
fn times_are_those_of_the_calendar() {
    let text = |ns| String::from_utf8(timestamp(ns).to_vec()).unwrap();
    assert_eq!(text(0), "1970-01-01T00:00:00.000000000Z");
    assert_eq!(text(NOON), "2026-11-22T10:00:00.123456789Z");
    assert_eq!(text(951_782_399_000_000_001), "2000-02-28T23:59:59.000000001Z");
    assert_eq!(text(951_782_400_000_000_000), "2000-02-29T00:00:00.000000000Z");
    assert_eq!(text(4_107_542_400_000_000_000), "2100-03-01T00:00:00.000000000Z");
    assert_eq!(text(-1), "1969-12-31T23:59:59.999999999Z");
}

struct Temp(PathBuf);

impl Temp {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("berth-monitor-log-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn reopening_goes_on_in_a_new_file() {
    let temp = Temp::new("reopen");
    let mut log = Log::open(&format!("{}/new/dir", temp.path()), "sub/0.log").unwrap();
    let file = temp.0.join("new/dir/sub/0.log");
    log.append(b"one\n");
    fs::rename(&file, temp.0.join("rotated")).unwrap();
    log.append(b"two\n");
    log.reopen().unwrap();
    log.append(b"three\n");
    assert_eq!(fs::read(temp.0.join("rotated")).unwrap(), b"one\ntwo\n");
    assert_eq!(fs::read(&file).unwrap(), b"three\n");
}

#[test]
fn links_fifos_and_ways_out_are_refused() {
    let temp = Temp::new("refused");
    std::os::unix::fs::symlink("/etc/passwd", temp.0.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", temp.0.join("dir")).unwrap();
    for path in ["link", "dir/x", "../x", "/x", ""] {
        assert_eq!(Log::open(temp.path(), path).unwrap_err().stage, "log", "{path:?}");
    }
    assert!(fs::metadata("/etc/x").is_err());
}

#[test]
fn no_directory_means_no_log() {
    let mut log = Log::open("", "").unwrap();
    log.append(b"anything\n");
    log.reopen().unwrap();
    assert_eq!(log.dropped_bytes(), 0);
}
