//! Headers and the extensions before them: IMG-09, IMG-15, SEC-61, 62, 64, 65.

use std::io::Read;

use imagestore::unpack::{Fault, Limits, UnpackError};

use crate::{
    archive::{Header, Tar, record, seal},
    scene::{Scene, assert_refused},
};

#[test]
fn img_09_long_names_by_gnu_and_pax() {
    let long = "directory/".repeat(30) + "file";
    let scene = Scene::new();
    let tar = Tar::new()
        .file(&long, "gnu")
        .link("hard", &long)
        .symlink("soft", &long)
        .pax(&[("path", b"p/\xff/f"), ("linkpath", b"ignored")])
        .file("short", "pax")
        .pax(&[("path", b"s"), ("linkpath", b"to\nthere")])
        .symlink("x", "y");
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.read(&long), "gnu");
    assert_eq!(scene.stat("hard").ino, scene.stat(&long).ino);
    assert!(scene.describe("soft").ends_with(&long));
    assert!(scene.describe("p/\\xff/f").starts_with("File"));
    assert!(scene.describe("s").ends_with("to\\nthere"));
}

#[test]
fn img_09_extensions_over_the_limit_are_refused_before_they_are_read() {
    for flag in *b"xgLK" {
        for size in [(1 << 20) + 1, 1 << 30, u64::MAX >> 2] {
            let header = Header { size, ..Header::new(flag, b"x") };
            let block = header.block();
            let mut stream = std::io::Read::chain(&block[..], Endless(0));
            let limits = Limits::default();
            let scene = Scene::new();
            let result = imagestore::unpack::apply(&mut stream, scene.dest(), &limits);
            assert!(matches!(result, Err(UnpackError::Limit { what: "bytes of one header", .. })));
            assert!(stream.get_ref().1.0 < 1 << 20, "read {} bytes of it", stream.get_ref().1.0);
        }
    }
    // One of exactly a megabyte is read.
    let value = vec![b'c'; (1 << 20) - 17];
    let bytes = record("comment", &value);
    assert_eq!(bytes.len(), 1 << 20);
    Scene::new().apply(&Tar::new().extension(b'x', &bytes).file("f", "").end()).unwrap();
}

struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        buf.fill(b'a');
        self.0 += buf.len() as u64;
        Ok(buf.len())
    }
}

#[test]
fn img_09_malformed_and_doubled_extensions_are_refused() {
    for bytes in [&b"path=x\n"[..], b"99 path=x\n", b"9 path=x\0", b"9 path=x\n\0"] {
        assert_refused(Scene::new().apply(&Tar::new().extension(b'x', bytes).file("f", "").end()));
        assert_refused(Scene::new().apply(&Tar::new().extension(b'g', bytes).file("f", "").end()));
    }
    let x = |tar: Tar| tar.pax(&[("path", b"p")]);
    let long = |tar: Tar, name: &[u8]| tar.gnu_long(b'L', name);
    assert_refused(Scene::new().apply(&x(x(Tar::new())).file("f", "").end()));
    assert_refused(Scene::new().apply(&long(long(Tar::new(), b"a"), b"a").file("f", "").end()));
    assert_refused(Scene::new().apply(&long(x(Tar::new()), b"other").file("f", "").end()));
    let scene = Scene::new();
    scene.apply(&long(x(Tar::new()), b"p").file("f", "").end()).unwrap();
    assert_eq!(scene.paths(), ["p"], "both may say the same");
    assert_refused(Scene::new().apply(&x(Tar::new()).end()));
    assert_refused(Scene::new().apply(&x(Tar::new()).0));
    assert_refused(Scene::new().apply(&long(Tar::new(), b"").end()));
}

#[test]
fn img_09_a_global_header_may_only_comment() {
    let comment = record("comment", b"0123456789abcdef");
    Scene::new().apply(&Tar::new().extension(b'g', &comment).file("f", "").end()).unwrap();
    for key in ["path", "size", "linkpath", "uid", "SCHILY.xattr.user.x"] {
        let tar = Tar::new().extension(b'g', &record(key, b"1")).file("f", "");
        assert_refused(Scene::new().apply(&tar.end()));
    }
}

#[test]
fn img_09_times_are_clamped_and_nonsense_is_refused() {
    let time = |value: &str| {
        let scene = Scene::new();
        scene.apply(&Tar::new().pax(&[("mtime", value.as_bytes())]).file("f", "").end()).unwrap();
        scene.stat("f").mtime.seconds
    };
    assert_eq!(time("292277026596"), 0);
    assert_eq!(time("99999999999999999999999999"), 0);
    assert_eq!(time("-5"), 0);
    assert_eq!(time("4294967296.5"), 4_294_967_296);
    for value in ["NaN", "inf", "1e5", "0x1", "1,5", " 1"] {
        assert_refused(
            Scene::new().apply(&Tar::new().pax(&[("mtime", value.as_bytes())]).file("f", "").end()),
        );
    }
    let scene = Scene::new();
    scene
        .apply(&Tar::new().entry(&Header { mtime: i64::MAX as u64, ..Header::new(b'0', b"f") }, b"").end())
        .unwrap();
    assert_eq!(scene.stat("f").mtime.seconds, 0);
}

/// TARmageddon: the header says 0, the pax record says how long the file really is, and in it lies another archive.
#[test]
fn sec_61_the_pax_size_says_where_a_file_ends() {
    let inner = Tar::new().file("evil", "smuggled").0;
    let size = inner.len().to_string();
    let tar = Tar::new()
        .pax(&[("size", size.as_bytes())])
        .entry(&Header { size: 0, ..Header::new(b'0', b"outer") }, b"")
        .data(&inner)
        .file("after", "x");
    let scene = Scene::new();
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["after", "outer"]);
    assert_eq!(scene.stat("outer").size, inner.len() as u64);
}

#[test]
fn sec_62_the_pax_size_wins_over_a_header_that_says_more() {
    let inner = Tar::new().file("inside", "x").0;
    let tar = Tar::new()
        .pax(&[("size", b"0")])
        .entry(&Header { size: inner.len() as u64, ..Header::new(b'0', b"outer") }, b"")
        .data(&inner);
    let scene = Scene::new();
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.paths(), ["inside", "outer"], "as Go, Python and GNU tar list it");
}

#[test]
fn links_and_directories_have_no_data_whatever_their_size_says() {
    let scene = Scene::new();
    let sized = |flag, name| Header { size: 512, link: b"f", ..Header::new(flag, name) };
    let mut tar = Tar::new().file("f", "x");
    for (flag, name) in [(b'1', &b"l"[..]), (b'2', b"s"), (b'5', b"d"), (b'6', b"p")] {
        tar = tar.entry(&sized(flag, name), b"");
    }
    scene.apply(&tar.file("last", "x").end()).unwrap();
    assert_eq!(scene.paths(), ["d", "f", "l", "last", "p", "s"]);
}

#[test]
fn the_stream_is_read_to_its_end() {
    struct Counted<'a>(&'a [u8], usize);
    impl Read for Counted<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.read(buf)?;
            self.1 += n;
            Ok(n)
        }
    }
    let tar = [Tar::new().file("f", "x").end(), vec![7; 1 << 20]].concat();
    let mut stream = Counted(&tar, 0);
    imagestore::unpack::apply(&mut stream, Scene::new().dest(), &Limits::default()).unwrap();
    assert_eq!(stream.1, tar.len(), "garbage after the end is hashed too");
}

#[test]
fn an_archive_may_end_without_its_mark_but_not_with_half_of_it_and_more() {
    for tar in [Vec::new(), vec![0; 512], vec![0; 1024], Tar::new().file("f", "x").0] {
        Scene::new().apply(&tar).unwrap();
    }
    let lone_zero = Tar([Tar::new().file("f", "x").0, vec![0; 512]].concat()).file("g", "x");
    assert_refused(Scene::new().apply(&lone_zero.end()));
    let mut almost = vec![0; 1024];
    almost[1023] = 1;
    assert_refused(Scene::new().apply(&almost));
}

/// A layer of some 20 KiB with one of everything.
fn sample() -> Vec<u8> {
    let mut tar = Tar::new()
        .dir("./")
        .dir("dir")
        .file("dir/file", &"content\n".repeat(900))
        .link("hard", "dir/file")
        .symlink("soft", "dir/file")
        .device(b'3', "null", 1, 3)
        .file("dir/.wh.gone", "")
        .pax(&[("path", b"a-long-name"), ("SCHILY.xattr.user.x", b"y")])
        .file("x", "pax");
    for n in 0..8 {
        tar = tar.file(&format!("dir/more{n}"), &"x".repeat(n * 100));
    }
    tar.end()
}

#[test]
fn img_15_cut_anywhere_it_is_refused() {
    let tar = sample();
    let whole = Scene::in_memory();
    whole.apply(&tar).unwrap();
    let whole = whole.tree();
    let mut accepted = Vec::new();
    for cut in 1..tar.len() {
        let scene = Scene::in_memory();
        match scene.apply(&tar[..cut]) {
            Ok(_) => {
                assert!(cut % 512 == 0, "cut at {cut}");
                let tree = scene.tree();
                assert!(tree.keys().all(|path| whole.contains_key(path)), "cut at {cut}");
                accepted.push(cut);
            }
            Err(error) => assert_eq!(error.fault(), Fault::Layer, "cut at {cut}: {error}"),
        }
    }
    // Between two members it cannot be told from an archive without end mark; the digest tells.
    assert!(accepted.len() <= 20, "{accepted:?}");
}

#[test]
fn img_15_a_flipped_bit_never_panics_and_stays_inside() {
    let tar = sample();
    for at in (0..tar.len()).step_by(3) {
        let mut bad = tar.clone();
        bad[at] ^= 1 << (at % 8);
        Scene::in_memory().apply(&bad).ok();
    }
    // In a header the checksum sees it, but for its own field, which may end in any way.
    for at in (0..148).chain(156..512) {
        let mut bad = tar.clone();
        bad[at] ^= 1;
        assert_refused(Scene::in_memory().apply(&bad));
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let spoil = |at: std::ops::Range<usize>, bytes: &[u8]| {
        let mut block = Header::new(b'0', b"f").block();
        block[at.start..at.start + bytes.len()].copy_from_slice(bytes);
        seal(&mut block);
        Scene::in_memory().apply(&Tar::new().block(&block).end())
    };
    assert_refused(spoil(124..136, &[0xff; 12]));
    assert_refused(spoil(124..136, b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"));
    assert_refused(spoil(124..136, b"99999999999\0"));
    assert_refused(spoil(100..108, b"rwxr-xr\0"));
    assert_refused(spoil(108..116, b"-000001\0"));
    assert_refused(spoil(136..148, b"0x5f5e100\0\0\0"));
}
