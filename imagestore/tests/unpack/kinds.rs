//! Devices, permissions, owners and times: IMG-06, IMG-07, SEC-40.

use std::os::fd::AsFd;

use crate::{
    archive::{Header, Tar},
    scene::{Scene, assert_refused},
};

#[test]
fn img_06_devices_and_fifos_are_made_as_told() {
    let scene = Scene::new();
    let tar = Tar::new()
        .device(b'3', "null", 1, 3)
        .device(b'4', "disk", 8, 0)
        .device(b'3', "mem", 1, 1)
        .device(b'3', "last", 4095, 1_048_575)
        .device(b'4', "block00", 0, 0)
        .device(b'6', "fifo", 5, 5);
    scene.apply(&tar.end()).unwrap();
    let expected = [
        "block00 Block 644 0:0 1000000000 (0, 0)",
        "disk Block 644 0:0 1000000000 (8, 0)",
        "fifo Fifo 644 0:0 1000000000 (0, 0)",
        "last Char 644 0:0 1000000000 (4095, 1048575)",
        "mem Char 644 0:0 1000000000 (1, 1)",
        "null Char 644 0:0 1000000000 (1, 3)",
    ];
    let seen: Vec<_> = scene.tree().into_iter().map(|(path, line)| format!("{path} {line}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn img_06_devices_out_of_range_and_0_0_are_refused() {
    for (major, minor) in [(0, 0), (4096, 0), (0, 1 << 20), (1 << 32, 0), (u64::MAX >> 8, 0), (1, 1 << 33)] {
        assert_refused(Scene::new().apply(&Tar::new().device(b'3', "d", major, minor).end()));
    }
    // The fields of a file are no devices, whatever they hold.
    let odd = Header { device: (1 << 33, 1 << 33), ..Header::new(b'0', b"f") };
    Scene::new().apply(&Tar::new().entry(&odd, b"").end()).unwrap();
}

#[test]
fn img_06_unknown_types_are_refused() {
    for flag in [b'8', b'9', b'A', b'D', b'M', b'N', b'V', b'S', b's', 0xff, 1] {
        assert_refused(Scene::new().apply(&Tar::new().entry(&Header::new(flag, b"f"), b"").end()));
    }
}

#[test]
fn img_07_special_bits_and_owners_are_kept() {
    let scene = Scene::new();
    let mut tar = Tar::new();
    for (name, flag, mode) in [
        ("suid", b'0', 0o4755),
        ("sgid", b'0', 0o2755),
        ("all", b'0', 0o7777),
        ("none", b'0', 0),
        ("tmp", b'5', 0o1777),
        ("sgdir", b'5', 0o2775),
    ] {
        tar = tar.entry(&Header { mode, uid: 1000, gid: 2000, ..Header::new(flag, name.as_bytes()) }, b"");
    }
    // In a directory with setgid everything new inherits the group; the archive's word stands above that.
    tar =
        tar.file("sgdir/file", "x").dir("sgdir/dir").symlink("sgdir/link", "x").file("sgdir/implied/f", "x");
    scene.apply(&tar.end()).unwrap();
    let shown = |path: &str| scene.describe(path).splitn(4, ' ').take(3).collect::<Vec<_>>().join(" ");
    assert_eq!(shown("suid"), "File 4755 1000:2000");
    assert_eq!(shown("sgid"), "File 2755 1000:2000");
    assert_eq!(shown("all"), "File 7777 1000:2000");
    assert_eq!(shown("none"), "File 0 1000:2000");
    assert_eq!(shown("tmp"), "Directory 1777 1000:2000");
    assert_eq!(shown("sgdir"), "Directory 2775 1000:2000");
    assert_eq!(shown("sgdir/file"), "File 644 0:0");
    assert_eq!(shown("sgdir/dir"), "Directory 755 0:0");
    assert_eq!(shown("sgdir/link"), "Symlink 777 0:0");
    assert_eq!(shown("sgdir/implied"), "Directory 755 0:0");
}

#[test]
fn img_07_file_capabilities_survive_the_change_of_owner() {
    let scene = Scene::new();
    let v2 = [&[1, 0, 0, 2][..], &[0, 4, 0, 0], &[0; 12]].concat();
    let v3 = [&[1, 0, 0, 3][..], &v2[4..], &[0xe8, 3, 0, 0]].concat();
    let file = |name| Header { mode: 0o755, uid: 1000, gid: 1000, ..Header::new(b'0', name) };
    let tar = Tar::new()
        .pax(&[("SCHILY.xattr.security.capability", &v2)])
        .entry(&file(b"v2"), b"")
        .pax(&[("SCHILY.xattr.security.capability", &v3)])
        .entry(&file(b"v3"), b"");
    scene.apply(&tar.end()).unwrap();
    for name in ["v2", "v3"] {
        let file = std::fs::File::open(scene.path().join(name)).unwrap();
        assert_eq!(sys::at::get_xattr(file.as_fd(), b"security.capability").unwrap().unwrap(), v2, "{name}");
    }
    let bad = Tar::new().pax(&[("SCHILY.xattr.security.capability", b"\x01\0\0\x02short")]).file("f", "");
    assert_refused(Scene::new().apply(&bad.end()));
}

#[test]
fn owners_up_to_the_last_id_are_set_and_no_further() {
    let scene = Scene::new();
    let tar = Tar::new().pax(&[("uid", b"4294967294"), ("gid", b"2147483648")]).file("f", "");
    scene.apply(&tar.end()).unwrap();
    assert!(scene.describe("f").starts_with("File 644 4294967294:2147483648"));
    for id in ["4294967295", "4294967296", "18446744073709551616", "-1"] {
        for key in ["uid", "gid"] {
            assert_refused(Scene::new().apply(&Tar::new().pax(&[(key, id.as_bytes())]).file("f", "").end()));
        }
    }
    let mut block = Header::new(b'0', b"f").block();
    block[108..116].fill(0xff);
    crate::archive::seal(&mut block);
    assert_refused(Scene::new().apply(&Tar::new().block(&block).end()));
}

#[test]
fn times_are_those_of_the_archive_also_of_directories() {
    let scene = Scene::new();
    let mut tar = Tar::new();
    for n in 0..60 {
        let name = format!("d{n}");
        tar = tar.entry(&Header { mtime: 1000 + n, ..Header::new(b'5', name.as_bytes()) }, b"");
    }
    // Back and forth between more directories than stay open.
    for round in 0..3 {
        for n in 0..60 {
            tar = tar.file(&format!("d{n}/f{round}"), "x").dir(&format!("d{n}/sub{round}"));
        }
    }
    tar = tar.pax(&[("mtime", b"1234567890.987654321")]).file("fraction", "x");
    tar = tar.entry(&Header { link: b"x", mtime: 77, ..Header::new(b'2', b"link") }, b"");
    scene.apply(&tar.end()).unwrap();
    for n in 0..60 {
        assert_eq!(scene.stat(&format!("d{n}")).mtime.seconds, 1000 + n as i64);
    }
    let fraction = scene.stat("fraction").mtime;
    assert_eq!((fraction.seconds, fraction.nanoseconds), (1_234_567_890, 987_654_321));
    assert_eq!(scene.stat("link").mtime.seconds, 77);
    assert_eq!(sys::at::stat(scene.dest()).unwrap().mtime.seconds, 0);
}

#[test]
fn times_through_two_names_of_one_directory() {
    let scene = Scene::new();
    let tar =
        Tar::new().dir("d").symlink("l", "d").file("d/a", "").file("l/b", "").file("d/c", "").file("l/e", "");
    scene.apply(&tar.end()).unwrap();
    assert_eq!(scene.stat("d").mtime.seconds, 1_000_000_000);
}
