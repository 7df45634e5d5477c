//! Files with holes, in the four ways of GNU tar: IMG-10, SEC-65.

use std::os::unix::fs::MetadataExt;

use imagestore::unpack::{Limits, UnpackError};

use crate::{
    archive::{Header, Tar, seal},
    scene::{Scene, assert_refused},
};

/// The file all four formats describe: 5 bytes at 0, 6 at 100000, and nothing up to 1 MiB.
fn check(tar: Tar) {
    let scene = Scene::new();
    let applied = scene.apply(&tar.file("after", "x").end()).unwrap();
    assert_eq!(scene.paths(), ["after", "sparse"]);
    let content = std::fs::read(scene.path().join("sparse")).unwrap();
    assert_eq!(content.len(), 1 << 20);
    assert_eq!((&content[..6], &content[100_000..100_007]), (&b"hello\0"[..], &b"world!\0"[..]));
    assert_eq!(content.iter().filter(|byte| **byte != 0).count(), 11);
    let blocks = std::fs::metadata(scene.path().join("sparse")).unwrap().blocks();
    assert!(blocks < 64, "{blocks} blocks: the holes were filled");
    assert_eq!(applied.bytes, (1 << 20) + 1, "holes count");
    assert!(scene.describe("sparse").starts_with("File 644 0:0 1000000000"));
}

fn gnu(pieces: &[(u64, u64)], real_size: u64, data: u64, more: bool) -> [u8; 512] {
    let mut block = Header { size: data, ..Header::new(b'S', b"sparse") }.block();
    block[257..265].copy_from_slice(b"ustar  \0");
    block[329..345].fill(0);
    for (at, (offset, len)) in pieces.iter().enumerate() {
        let at = 386 + at * 24;
        block[at..at + 24].copy_from_slice(format!("{offset:011o}\0{len:011o}\0").as_bytes());
    }
    block[482] = u8::from(more);
    block[483..495].copy_from_slice(format!("{real_size:011o}\0").as_bytes());
    seal(&mut block);
    block
}

#[test]
fn img_10_the_old_gnu_format() {
    check(
        Tar::new()
            .block(&gnu(&[(0, 5), (100_000, 6), (1 << 20, 0)], 1 << 20, 11, false))
            .data(b"helloworld!"),
    );
    // The map goes on in a block of its own.
    let mut more = [0; 512];
    more[..24].copy_from_slice(format!("{:011o}\0{:011o}\0", 100_000, 6).as_bytes());
    check(Tar::new().block(&gnu(&[(0, 5)], 1 << 20, 11, true)).block(&more).data(b"helloworld!"));
}

#[test]
fn img_10_the_three_pax_formats() {
    let file = |size| Header { size, ..Header::new(b'0', b"GNUSparseFile.0/sparse") };
    let v00: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"1048576"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"0"),
        ("GNU.sparse.numbytes", b"5"),
        ("GNU.sparse.offset", b"100000"),
        ("GNU.sparse.numbytes", b"6"),
        ("path", b"sparse"),
    ];
    check(Tar::new().pax(v00).entry(&file(11), b"helloworld!"));
    let v01: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"1048576"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.map", b"0,5,100000,6"),
        ("GNU.sparse.name", b"sparse"),
    ];
    check(Tar::new().pax(v01).entry(&file(11), b"helloworld!"));
    let v10: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"sparse"),
        ("GNU.sparse.realsize", b"1048576"),
    ];
    let mut data = b"2\n0\n5\n100000\n6\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"helloworld!");
    check(Tar::new().pax(v10).entry(&file(523), &data));
}

#[test]
fn img_10_an_apparent_size_over_the_budget_is_refused() {
    for size in [(64u64 << 30) + 1, 1 << 33, (1 << 36) - 1] {
        let limits = Limits { content_bytes: 1 << 32, ..Limits::default() };
        let tar = Tar::new().pax(&[
            ("GNU.sparse.size", size.to_string().as_bytes()),
            ("GNU.sparse.map", b""),
            ("GNU.sparse.name", b"s"),
        ]);
        let result = Scene::new().apply_with(&tar.file("x", "").end(), &limits);
        assert!(matches!(result, Err(UnpackError::Limit { what: "bytes of content", .. })), "{result:?}");
    }
    for size in ["9223372036854775807", "9223372036854775808"] {
        let tar =
            Tar::new().pax(&[("GNU.sparse.size", size.as_bytes()), ("GNU.sparse.map", b"")]).file("x", "");
        assert_refused(Scene::new().apply(&tar.end()));
    }
}

#[test]
fn img_10_too_many_pieces_are_refused() {
    let map: String = (0..70_000).map(|n| format!("{},1,", n * 2)).collect();
    let tar = Tar::new()
        .pax(&[("GNU.sparse.size", b"1048576"), ("GNU.sparse.map", map.trim_end_matches(',').as_bytes())]);
    assert_refused(Scene::new().apply(&tar.file("x", "").end()));
    let v10: &[(&str, &[u8])] =
        &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"1")];
    assert_refused(Scene::new().apply(&Tar::new().pax(v10).file("x", "100000000\n").end()));
    // Blocks that continue the map without end.
    let mut more = [0; 512];
    more[504] = 1;
    let mut tar = Tar::new().block(&gnu(&[], 1, 0, true));
    for _ in 0..2000 {
        tar = tar.block(&more);
    }
    let limits = Limits { entries: 1000, ..Limits::default() };
    assert_refused(Scene::new().apply_with(&tar.end(), &limits));
}

/// Segments (offset, length), the size claimed, the bytes that follow.
type Map = (&'static [(u64, u64)], u64, u64);

#[test]
fn img_10_maps_that_do_not_fit_are_refused() {
    let cases: [Map; 6] = [
        (&[(0, 5), (4, 2)], 100, 7),
        (&[(10, 5), (0, 2)], 100, 7),
        (&[(0, 5)], 4, 5),
        (&[(0, 5)], 100, 6),
        (&[(0, 5)], 100, 4),
        (&[(1 << 32, 5)], 100, 5),
    ];
    for (pieces, real_size, data) in cases {
        let tar = Tar::new().block(&gnu(pieces, real_size, data, false)).data(&vec![b'x'; data as usize]);
        assert_refused(Scene::new().apply(&tar.end()));
    }
    let unknown = Tar::new().pax(&[("GNU.sparse.major", b"2"), ("GNU.sparse.size", b"1")]).file("x", "");
    assert_refused(Scene::new().apply(&unknown.end()));
}
