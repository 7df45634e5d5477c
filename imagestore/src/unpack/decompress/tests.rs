//! Compression told by magic, streams in several members, and where each decoder stops.

use std::io::{Read, Write};

use super::{Compression, reader};
use crate::unpack::{Limits, UnpackError};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn read_all(raw: &[u8]) -> (Compression, std::io::Result<Vec<u8>>) {
    let (compression, mut stream) = reader(raw, &Limits::default()).unwrap();
    let mut out = Vec::new();
    (compression, stream.read_to_end(&mut out).map(|_| out))
}

#[test]
fn each_compression_is_told_by_its_first_bytes() {
    let text = vec![b'x'; 10_000];
    assert_eq!(read_all(&text).0, Compression::None);
    for (raw, expected) in [(gzip(&text), Compression::Gzip), (zstd(&text), Compression::Zstd)] {
        let (compression, out) = read_all(&raw);
        assert_eq!(compression, expected);
        assert_eq!(out.unwrap(), text);
    }
}

#[test]
fn concatenated_members_and_frames_are_one_stream() {
    for compress in [gzip, zstd] {
        let raw = [compress(b"one "), compress(b""), compress(b"two")].concat();
        assert_eq!(read_all(&raw).1.unwrap(), b"one two");
    }
    // zstd:chunked layers end in a skippable frame; pzstd begins with one.
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    let raw = [&skippable[..], &zstd(b"body"), &skippable].concat();
    let (compression, out) = read_all(&raw);
    assert_eq!((compression, out.unwrap()), (Compression::Zstd, b"body".to_vec()));
}

#[test]
fn a_reader_that_gives_one_byte_at_a_time_is_sniffed_too() {
    struct Trickle(Vec<u8>, usize);
    impl Read for Trickle {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let Some(byte) = self.0.get(self.1) else { return Ok(0) };
            buf[0] = *byte;
            self.1 += 1;
            Ok(1)
        }
    }
    for raw in [gzip(b"text"), zstd(b"text"), b"text".to_vec(), b"x".to_vec(), Vec::new()] {
        let plain = raw.len() < 5;
        let (_, mut stream) = reader(Trickle(raw.clone(), 0), &Limits::default()).unwrap();
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        assert_eq!(out, if plain { raw } else { b"text".to_vec() });
    }
}

#[test]
fn img_11_garbage_after_the_last_member_and_cut_streams_are_refused() {
    for compress in [gzip, zstd] {
        let whole = compress(&[b'y'; 70_000]);
        assert!(read_all(&[&whole[..], b"garbage!"].concat()).1.is_err());
        for end in 6..whole.len() {
            assert!(read_all(&whole[..end]).1.is_err(), "cut at {end} of {}", whole.len());
        }
    }
}

#[test]
fn img_11_a_bomb_ends_at_the_budget() {
    let limits = Limits { stream_bytes: 1 << 20, ..Limits::default() };
    for raw in [gzip(&vec![0; 3 << 20]), zstd(&vec![0; 3 << 20]), vec![0; 3 << 20]] {
        let (_, mut stream) = reader(&raw[..], &limits).unwrap();
        let mut seen = 0;
        let mut buf = vec![0; 64 << 10];
        let error = loop {
            match stream.read(&mut buf) {
                Ok(n) => seen += n,
                Err(error) => break error,
            }
        };
        assert!(seen <= 1 << 20);
        assert_eq!(error.to_string(), "the stream is longer than 1048576 bytes");
    }
    // Exactly at the budget is within it.
    let raw = gzip(&vec![0; 1 << 20]);
    let (_, mut stream) = reader(&raw[..], &limits).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 1 << 20);
}

#[test]
fn img_11_a_zstd_window_over_128_mib_is_refused() {
    // Magic; frame header descriptor 0 (window byte follows); window byte: exponent 21 means 2^31 bytes.
    let raw = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    assert!(read_all(&raw).1.is_err());
    // The same with 2^27 is accepted: one empty raw block, marked last.
    let raw = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00];
    assert_eq!(read_all(&raw).1.unwrap(), b"");
}

#[test]
fn xz_and_bzip2_are_named_in_the_refusal() {
    for (raw, what) in [(&b"\xfd7zXZ\0rest"[..], "xz"), (b"BZh91AY&SY", "bzip2")] {
        let Err(UnpackError::Unsupported { what: said }) = reader(raw, &Limits::default()).map(|_| ()) else {
            panic!("{what} was not refused")
        };
        assert!(said.starts_with(what));
    }
}
