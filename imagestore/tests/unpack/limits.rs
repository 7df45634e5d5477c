//! How much one layer may cost: IMG-11, IMG-12.

use std::io::{Read, Write};

use imagestore::unpack::{Fault, Limits, UnpackError, apply, decompress};

use crate::{
    archive::{Header, Tar},
    scene::Scene,
};

/// Zeros as a file of an archive, as far as anybody reads.
fn bomb(size: u64) -> impl Read + Send {
    let header = Header { size, ..Header::new(b'0', b"zeros") }.block();
    std::io::Cursor::new(header).chain(std::io::repeat(0).take(size + 1024))
}

#[test]
fn img_11_content_over_the_budget_is_refused_before_it_is_written() {
    let limits = Limits { content_bytes: 1 << 20, ..Limits::default() };
    let scene = Scene::new();
    let result = apply(bomb((1 << 20) + 1), scene.dest(), &limits);
    assert!(matches!(result, Err(UnpackError::Limit { what: "bytes of content", .. })));
    assert!(scene.paths().is_empty());
    apply(bomb(1 << 20), Scene::new().dest(), &limits).unwrap();
    let many = (0..3).fold(Tar::new(), |tar, n| tar.file(&format!("{n}"), &"x".repeat(400 << 10)));
    let error = Scene::new().apply_with(&many.end(), &limits).unwrap_err();
    assert_eq!(error.fault(), Fault::Limit);
}

#[test]
fn img_11_a_stream_over_the_budget_is_refused() {
    let limits = Limits { stream_bytes: 1 << 20, ..Limits::default() };
    let result = apply(bomb(2 << 20), Scene::new().dest(), &limits);
    assert!(matches!(result, Err(UnpackError::Limit { what: "bytes of tar stream", .. })));
    // Also in the garbage after the end, and through each decompressor.
    let garbage = [Tar::new().end(), vec![1; 2 << 20]].concat();
    let gzip = {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(&garbage).unwrap();
        out.finish().unwrap()
    };
    for raw in [garbage.clone(), gzip, zstd::encode_all(&garbage[..], 1).unwrap()] {
        let (_, stream) = decompress::reader(&raw[..], &limits).unwrap();
        let result = apply(stream, Scene::new().dest(), &limits);
        assert!(matches!(result, Err(UnpackError::Limit { what: "bytes of tar stream", .. })), "{result:?}");
    }
}

#[test]
fn img_11_a_layer_from_each_compression() {
    let tar = Tar::new().file("f", "content").end();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(&tar[..700]).unwrap();
    let mut gzip = out.finish().unwrap();
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(&tar[700..]).unwrap();
    gzip.extend(out.finish().unwrap());
    for raw in [tar.clone(), gzip, zstd::encode_all(&tar[..], 3).unwrap()] {
        let scene = Scene::new();
        let (_, stream) = decompress::reader(&raw[..], &Limits::default()).unwrap();
        apply(stream, scene.dest(), &Limits::default()).unwrap();
        assert_eq!(scene.read("f"), "content");
    }
}

#[test]
fn img_12_entries_over_the_limit_are_refused() {
    let limits = Limits { entries: 100, ..Limits::default() };
    let files = |n: usize| (0..n).fold(Tar::new(), |tar, n| tar.file(&format!("{n}"), "")).end();
    Scene::new().apply_with(&files(100), &limits).unwrap();
    let error = Scene::new().apply_with(&files(101), &limits).unwrap_err();
    assert!(matches!(error, UnpackError::Limit { what: "entries", limit: 100 }));
    // One entry that makes many directories, and extensions, count too.
    let deep = Tar::new().file(&"d/".repeat(102), "").end();
    assert_eq!(Scene::new().apply_with(&deep, &limits).unwrap_err().fault(), Fault::Limit);
    let globals = (0..101).fold(Tar::new(), |tar, _| tar.extension(b'g', b"")).end();
    assert_eq!(Scene::new().apply_with(&globals, &limits).unwrap_err().fault(), Fault::Limit);
}

#[test]
fn a_reader_that_fails_is_the_readers_fault() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "gone"))
        }
    }
    let error = apply(Broken, Scene::new().dest(), &Limits::default()).unwrap_err();
    assert_eq!(error.fault(), Fault::Read);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "gone");
}
